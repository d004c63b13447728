"""What a flow's guarantee is held to: it is killed, frozen, cut off and starved, and its records are compared."""

from __future__ import annotations

import random
from typing import ClassVar, Literal

import pytest

from active_data_flow.testing.crash.comparison import compare
from active_data_flow.testing.crash.harness import FINISHING, CrashHarness
from active_data_flow.testing.crash.proxy import Cut, How, Proxy, When
from active_data_flow.testing.suites.case import case

_HANGS = 1.0
_LOOK = 0.05
_WHENS: tuple[When, ...] = ("before", "between", "after")
_HOWS: tuple[How, ...] = ("reset", "close")


def cuts_at(request: bytes) -> tuple[Cut, ...]:
    """Every way to cut a connection around a request, and silence."""
    loud = [Cut(request, number, when, how) for number, when in enumerate(_WHENS, 3) for how in _HOWS]
    return (*loud, Cut(request, 4, "before", "silence"), Cut(request, 4, "after", "silence"))


class CrashSuite(CrashHarness):
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

    moments: ClassVar[int] = 6
    cuts: ClassVar[tuple[Cut, ...]] = cuts_at(b"COMMIT")
    headrooms: ClassVar[tuple[int, ...]] = (20_000, 150_000)

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
        points = [point for point in self._points(world) if self._can_end or point not in FINISHING]
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


def _is_full(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in ("no space left", "disk is full", "disk full", "may not grow", "too large"))


__all__ = ["CrashSuite", "cuts_at"]
