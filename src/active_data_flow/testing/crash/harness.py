"""What a crash suite is given, and the strikes that its cases are made of."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from active_data_flow.core.sink import Delivery
from active_data_flow.engine.crash_points import points_of
from active_data_flow.testing.crash.comparison import compare
from active_data_flow.testing.crash.fork_server import Child
from active_data_flow.testing.crash.kit import CrashKit, World
from active_data_flow.testing.crash.proxy import Proxy
from active_data_flow.testing.suites.case import Suite

PROPERTY = "crash proof"
"""Name of the property of a test's report that tells what it has proved."""
FINISHING = ("before-finish", "after-finish")
"""Crash points at a run's end."""

_KILLED = -9
_ONCE = ("before-restore", "after-restore", *FINISHING)
_SELDOM = ("--set", "checkpoint.every=60")
_DRAWS = 12


class CrashHarness(Suite):
    """The part of `CrashSuite` that knows how to run, kill, freeze and compare; its cases say when."""

    known: ClassVar[frozenset[str]] = frozenset(
        {"incremental", "one commit", "takeover", "locks", "server", "restarts", "disk"}
    )

    # the harness

    @abstractmethod
    def flow(self, directory: Path) -> str:
        """Put input and whatever else the flow needs into an empty directory; the flow, as ``adf run`` takes it.

        Called anew for each case and more often. What is outside of the directory is told apart by its name: tables,
        and the flow too, where its positions are in a server.
        """

    @abstractmethod
    def expected(self, directory: Path) -> Iterable[tuple[Any, ...]]:
        """The records that must be in the sink, as tuples of values that can be hashed; the first is their key."""

    @abstractmethod
    def rows(self, directory: Path) -> Iterable[tuple[Any, ...]]:
        """The records that are in the sink, in the same form; read behind the connector's back."""

    def address(self) -> tuple[str, int]:
        """Of capability `server`: host and port of the server."""
        raise NotImplementedError

    def stop_server(self, how: Literal["kill", "stop"]) -> None:
        """Of capability `restarts`: end the server at once, as a crash does, or orderly; returns when it is gone."""
        raise NotImplementedError

    def start_server(self) -> None:
        """Of capability `restarts`: start it again on the same port with the same data; returns when it answers."""
        raise NotImplementedError

    # what the harness is given

    kit: CrashKit
    """Makes worlds."""
    _proxy: Proxy | None = None

    @property
    def reached(self) -> tuple[str, int]:
        """Of capability `server`: host and port that the flow is to use: the server's, or where it is cut off."""
        return self.address() if self._proxy is None else ("127.0.0.1", self._proxy.port)

    @pytest.fixture(autouse=True)
    def _given(self, crash_kit: CrashKit, request: pytest.FixtureRequest) -> None:
        self.kit = crash_kit
        self._report = request.node.user_properties

    # inside

    @property
    def _can_end(self) -> bool:
        return "incremental" in self.capabilities

    def _world(self) -> World:
        return self.kit.world(self.flow)

    def _points(self, world: World) -> tuple[str, ...]:
        return points_of(world.pipeline.sink.delivery_here[0])

    def _at(self, world: World, point: str) -> str:
        """The second pass of a point, so that there is a commit before it; the first, where there is just one."""
        once = point in _ONCE or world.pipeline.sink.commits_only_at_end or "one commit" in self.capabilities
        return f"{point}:{1 if once else 2}"

    def _freezes(self, world: World) -> list[tuple[str, tuple[str, ...]]]:
        """Where to freeze, with options for the run: also where it writes on and on before it commits."""
        sink = world.pipeline.sink
        points = [point for point in self._points(world) if point.partition("-")[2] in ("prepare", "commit", "save")]
        if "locks" in self.capabilities:
            return [(point, ()) for point in ("after-restore", *points) if point != "before-commit"]
        late = () if sink.commits_only_at_end else (("after-write", _SELDOM),)
        return [("after-restore", ()), ("after-write", ()), *late, *((point, ()) for point in points)]

    def _freeze(self, world: World, point: str, *options: str) -> Child:
        child = world.start("--parallelism", "1", *options, crash_at=self._at(world, point), crash_by="STOP")
        if not child.wait_frozen():
            pytest.fail(f"the run never came to {point}; it ended with {child.code}\n{world.output[-4000:]}")
        return child

    def _be_refused(self, world: World) -> None:
        """Of this machine, by the lock."""
        assert world.run("--verbose") == 1, f"a second run was not refused\n{world.output[-4000:]}"
        assert "AlreadyRunningError" in world.output, f"it failed for another reason:\n{world.output[-4000:]}"

    def _take_over(self, world: World, point: str) -> None:
        """As a run of another machine does, which does not see the lock."""
        if world.pipeline.sink.delivery_here[0] is Delivery.TRANSACTIONAL:
            self._complete(world, f"taken over at {point}", "--directory", "elsewhere")  # the sink has the positions
            return
        for lock in world.directory.glob(".adf/locks/*"):
            lock.unlink()  # as on a shared disk whose locks don't reach from machine to machine
        self._complete(world, f"taken over at {point}")

    def _die(self, world: World, where: str) -> World:
        """Have a run killed there; once more in a new world where all was done in this one already."""
        return self._die_at_one(world, [where, where], f"no run ever came to {where}")

    def _die_at_random(self, world: World, moments: random.Random) -> World:
        """Have a run killed at a random moment, an earlier one where the run was over by then."""
        reaches = (0.5**draw for draw in range(_DRAWS))
        places = (
            f"*:{moments.randint(1, max(1, round(12 * reach)))}+{moments.uniform(0, 0.01 * reach):.4f}"
            for reach in reaches
        )
        return self._die_at_one(world, places, f"{_DRAWS} runs in turn were over before they were killed")

    def _die_at_one(self, world: World, places: Iterable[str], never: str) -> World:
        """Have a run killed at the first of these places that it comes to, each in a new world; the world of that."""
        for number, where in enumerate(places):
            here = world if number == 0 else self._world()
            code = here.run(crash_at=where)
            if code == _KILLED:
                return here
            assert code == 0, f"to be killed at {where}, the run ended with {code}\n{here.output[-4000:]}"
            self._compare(here, f"not killed at {where}")
        pytest.fail(never)

    def _complete(self, world: World, when: str, *options: str) -> None:
        code = world.run(*_SELDOM, *options)
        assert code == 0, f"{when}, the next run ended with {code}\n{world.output[-4000:]}"
        self._compare(world, when)

    def _compare(self, world: World, when: str) -> None:
        comparison = compare(self.expected(world.directory), self.rows(world.directory))
        held = comparison.exact if self._exact(world) else comparison.complete
        assert held, f"{world.pipeline.guarantee} does not hold {when}: {comparison}"

    def _exact(self, world: World) -> bool:
        return world.pipeline.guarantee != "at-least-once"

    def _proved(self, world: World, fault: str, times: int) -> None:
        pipeline = world.pipeline
        proof = {
            "source": pipeline.source.variant,
            "sink": pipeline.sink.variant,
            "runtime": f"local:{pipeline.flow.lanes}",
            "guarantee": pipeline.guarantee,
            "faults": {fault: times},
        }
        self._report.append((PROPERTY, proof))


__all__ = ["FINISHING", "PROPERTY", "CrashHarness"]
