"""What a flow's guarantee is held to: it is killed, frozen, cut off and starved, and its records are compared."""

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
from active_data_flow.testing.crash.proxy import Cut, How, Proxy, When
from active_data_flow.testing.suites.case import Suite, case

PROPERTY = "crash proof"
"""Name of the property of a test's report that tells what it has proved."""

_KILLED = -9
_FINISHING = ("before-finish", "after-finish")
_ONCE = ("before-restore", "after-restore", *_FINISHING)
_SELDOM = ("--set", "checkpoint.every=60")
_HANGS = 1.0
_LOOK = 0.05
_DRAWS = 12
_WHENS: tuple[When, ...] = ("before", "between", "after")
_HOWS: tuple[How, ...] = ("reset", "close")


def cuts_at(request: bytes) -> tuple[Cut, ...]:
    """Every way to cut a connection around a request, and silence."""
    loud = [Cut(request, number, when, how) for number, when in enumerate(_WHENS, 3) for how in _HOWS]
    return (*loud, Cut(request, 4, "before", "silence"), Cut(request, 4, "after", "silence"))


class CrashSuite(Suite):
    """Strikes a flow and compares its sink with its input; what the flow claims is what it is held to.

    A flow that claims exactly-once or effectively-once must have each record once, one that claims at-least-once must
    have each record. Subclass it, say in `capabilities` what applies, and give the harness: `flow`, `expected`,
    `rows`, and those that a capability asks for. The flow should commit often (``checkpoint: {every: 0}``) and have
    some 60 batches, so that it is struck in its midst.

    Capabilities:
        incremental: A run behind a complete one reads only what is new; without it the end of a run is not struck,
            since the next run reads everything again.
        one commit: The source can't be resumed inside, so that a run commits once, at its end.
        takeover: Another run may take over from one that is frozen.
        locks: A process that is frozen inside a transaction keeps others from taking over until it ends, as with
            SQLite; it is frozen between its transactions then.
        server: Source or sink is reached over TCP: `address`, and the flow goes to `reached`.
        restarts: That server can be stopped and started: `stop_server`, `start_server`.
        disk: All that is written is in the world's directory.

    Attributes:
        moments: How often the flow is killed at random moments.
        cuts: How connections are cut.
        headrooms: Bytes that are free on the disks that get full.

    Example:
        >>> class TestPrices(CrashSuite):
        ...     capabilities = frozenset({"incremental", "disk"})
        ...
        ...     def flow(self, directory):
        ...         write_input(directory / "in.csv")
        ...         return "my_flows:Prices"
        ...
        ...     def expected(self, directory):
        ...         return read_csv(directory / "in.csv")
        ...
        ...     def rows(self, directory):
        ...         return read_csv(directory / "out.csv")
    """

    known: ClassVar[frozenset[str]] = frozenset(
        {"incremental", "one commit", "takeover", "locks", "server", "restarts", "disk"}
    )
    moments: ClassVar[int] = 6
    cuts: ClassVar[tuple[Cut, ...]] = cuts_at(b"COMMIT")
    headrooms: ClassVar[tuple[int, ...]] = (20_000, 150_000)

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

    # the cases

    @case(
        purpose="a run that dies between two steps of reading, writing or committing loses or doubles records",
        way="kill -9 at every crash point that a run with such a sink passes, run after run, then a whole run",
        passes="each point was passed, and the records are those of the input",
        requirement="a killed run leaves nothing but its commits; the next goes on behind them",
    )
    def test_killed_at_every_point(self) -> None:
        """Kill at every point."""
        world = self._world()
        points = [point for point in self._points(world) if self._can_end or point not in _FINISHING]
        for point in points:
            world = self._die(world, self._at(world, point))
        self._complete(world, f"after deaths at {', '.join(points)}")
        self._proved(world, "crash points", len(points))

    @case(
        purpose="a run that dies inside a step, or while it recovers from a death, loses or doubles records",
        way="kill -9 within milliseconds behind a random pass of the loop, many times, then a whole run",
        passes="the records are those of the input",
        requirement="a run may die at any moment",
    )
    def test_killed_at_random_moments(self) -> None:
        """Kill at random."""
        moments = random.Random(7)  # noqa: S311  # to be repeated, not to be secret
        world = self._world()
        for _ in range(self.moments):
            world = self._die_at_random(world, moments)
            if not self._can_end:
                self._complete(world, "after a death at a random moment")
                world = self._world()
        self._complete(world, f"after {self.moments} deaths at random moments")
        self._proved(world, "random kills", self.moments)

    @case(
        purpose="a run that was thought dead comes back and writes beside, or over, the one that replaced it",
        way="freeze a run with SIGSTOP, refuse a second of this machine, let one of another take over, thaw",
        passes="the replaced run fails with FencedError, and the sink has not changed since",
        requirement="store and sink refuse commits of an older epoch",
        needs=["takeover"],
    )
    def test_frozen_and_replaced(self) -> None:
        """Freeze, take over, thaw."""
        world = self._world()
        points = self._freezes(world)
        for number, (point, options) in enumerate(points):
            world = world if number == 0 else self._world()
            with self._freeze(world, point, "--verbose", *options) as zombie:
                if number == 0:
                    self._be_refused(world)
                self._take_over(world, point)
                before = sorted(self.rows(world.directory))
                zombie.thaw()
                code = zombie.wait()
                assert code == 1, f"frozen at {point}, it was not refused: it ended with {code}\n{world.output[-4000:]}"
                assert "FencedError" in world.output, f"it failed for another reason:\n{world.output[-4000:]}"
            if self._exact(world):
                difference = compare(before, self.rows(world.directory))
                assert difference.exact, f"frozen at {point}, it has changed the sink: {difference}"
            self._compare(world, f"when the run frozen at {point} was gone")
        self._proved(world, "freezes", len(points))

    @case(
        purpose="the answer to a commit is lost, and its rows are written again, or never",
        way="cut the connection before, at and after a commit, by reset, end and silence; the run repeats, or the next",
        passes="the records are those of the input",
        requirement="a commit whose outcome is not known is looked up, not assumed",
        needs=["server"],
    )
    def test_cut_off(self) -> None:
        """Cut connections."""
        for cut in self.cuts:
            with Proxy(*self.address(), cut) as proxy:
                self._proxy = proxy
                world = self._world()
                with world.start() as child:
                    while not proxy.wait(_LOOK) and child.wait(0) is None:
                        pass
                    assert proxy.has_cut, f"there was nothing to cut: {cut}; it ended with {child.code}"
                    if cut.how == "silence" and child.wait(_HANGS) is None:
                        child.kill()
                        proxy.heal()
                    elif child.wait() != 0:
                        pytest.fail(f"cut off ({cut}), the run did not go on: {child.code}\n{world.output[-4000:]}")
                self._complete(world, f"cut off: {cut}") if child.code else self._compare(world, f"cut off: {cut}")
            self._proved(world, "cuts", 1)

    @case(
        purpose="rows of an open transaction are taken for committed, or the run gives up, when the server restarts",
        way="freeze the run before and at a commit, kill or stop the server, start it, and let the run go on",
        passes="the run repeats by itself, and the records are those of the input",
        requirement="what may pass is repeated from the last commit",
        needs=["server", "restarts"],
    )
    def test_server_restarts(self) -> None:
        """Restart the server."""
        ways: tuple[tuple[Literal["kill", "stop"], str], ...] = (("kill", "after-write"), ("stop", "after-transform"))
        for how, point in ways:
            world = self._world()
            with self._freeze(world, point) as child:
                self.stop_server(how)
                try:
                    child.thaw()
                    child.wait(0.2)
                finally:
                    self.start_server()
                assert child.wait() == 0, f"after a restart ({how}) the run did not go on\n{world.output[-4000:]}"
            self._compare(world, f"after a restart ({how})")
            self._proved(world, "restarts", 1)

    @case(
        purpose="a disk that is full tears a file or a checkpoint, and the run after it can't go on",
        way="leave a few bytes free on the disk of output and checkpoints, let the run fail, give it room, run again",
        passes="the first run says that there is no space left, the second has all records",
        requirement="what was committed stays, the rest is read again",
        needs=["disk"],
    )
    def test_full_disk(self) -> None:
        """Fill the disk."""
        for free in self.headrooms:
            with self.kit.on_small_disk(self.flow) as (world, disk):
                if disk is not None:
                    disk.leave(free)
                code = world.run(file_size=None if disk is not None else free)
                assert code == 1, f"with {free} bytes free the run ended with {code}\n{world.output[-4000:]}"
                assert _is_full(world.output), f"it failed for another reason:\n{world.output[-4000:]}"
                if disk is not None:
                    disk.empty()
                self._complete(world, f"after a disk with {free} bytes free")
                self._proved(world, "full disks", 1)

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
        """Have a run killed there, in a new world where all was done in this one already; the world it died in."""
        for there in (world, None):
            here = there or self._world()
            code = here.run(crash_at=where)
            if code == _KILLED:
                return here
            assert code == 0, f"to be killed at {where}, the run ended with {code}\n{here.output[-4000:]}"
            self._compare(here, f"not killed at {where}")
        pytest.fail(f"no run ever came to {where}")

    def _die_at_random(self, world: World, moments: random.Random) -> World:
        """Have a run killed at a random moment, an earlier one where the run was over by then; the world it died in."""
        reach = 1.0
        for _ in range(_DRAWS):
            where = f"*:{moments.randint(1, max(1, round(12 * reach)))}+{moments.uniform(0, 0.01 * reach):.4f}"
            code = world.run(crash_at=where)
            if code == _KILLED:
                return world
            assert code == 0, f"to be killed at {where}, the run ended with {code}\n{world.output[-4000:]}"
            self._compare(world, f"not killed at {where}")
            world, reach = self._world(), reach / 2
        pytest.fail(f"{_DRAWS} runs in turn were over before they were killed")

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


def _is_full(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in ("no space left", "disk is full", "disk full", "may not grow", "too large"))


__all__ = ["PROPERTY", "CrashSuite", "cuts_at"]
