"""Times whole processes in turn, A B A B, so that a drifting machine hurts all alike."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BASE = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Programs are measured as they start when they are installed: compiled."""
LAUNCH = str(ROOT / "benchmarks" / "launch.py")
TIMED = b"timed "
"""What the line begins with in which a program tells seconds and CPU seconds of the part that counts."""


@dataclass(frozen=True)
class Goal:
    """What our figures are held to, alone or against a reference's."""

    text: str
    holds: Callable[[Figures, Figures], bool]


def at_most(ratio: float) -> Goal:
    """Our time is at most this many times the reference's."""
    return Goal(f"≤ {ratio:.3g}x", lambda ours, its: ours.ratio(its) <= ratio)


def peak_at_most(megabytes: int) -> Goal:
    """Our peak memory is at most this."""
    return Goal(f"≤ {megabytes} MB", lambda ours, _: ours.peak <= megabytes)


@dataclass(frozen=True)
class Contestant:
    """A command and what must be done, untimed, before each run of it.

    Attributes:
        name: What it is called in the table.
        command: The program.
        prepare: Restores the place it writes to.
        environment: Variables that it gets besides ours.
        goal: What our figures are held to against it; on ours: alone.
        rows: What it has written, for the test that all sides do the same work; None: it keeps its batches.
        missing: Why it can't run here; empty where it can.
        is_peer: Whether it is there to compare with only, not to be held to.
    """

    name: str
    command: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)
    goal: Goal | None = None
    rows: Callable[[], Iterable[Sequence[Any]]] | None = None
    missing: str = ""
    is_peer: bool = False

    def after(self, *steps: Callable[[], None]) -> Contestant:
        """The same with more to be done before each run."""

        def prepare() -> None:
            self.prepare()
            for step in steps:
                step()

        return replace(self, prepare=prepare)


@dataclass(frozen=True)
class Case:
    """A contest: the first contestant is ours, the second the reference."""

    name: str
    rows: int
    contestants: list[Contestant]


@dataclass(frozen=True)
class Run:
    """One run as the operating system accounts for it: seconds, CPU seconds of it and its children, kB."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Figures:
    """All counted runs of a contestant in a case."""

    runs: list[Run]

    @property
    def wall(self) -> float:
        """Median seconds."""
        return statistics.median(run.wall for run in self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """Shortest and longest seconds."""
        walls = [run.wall for run in self.runs]
        return min(walls), max(walls)

    @property
    def cpu(self) -> float:
        """Median CPU seconds."""
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> int:
        """Highest MB."""
        return max(run.peak for run in self.runs) // 1024

    def ratio(self, other: Figures) -> float:
        """Median of our seconds over the other's, round by round."""
        return statistics.median(mine.wall / its.wall for mine, its in zip(self.runs, other.runs, strict=True))

    def cpu_ratio(self, other: Figures) -> float:
        """The same of CPU seconds."""
        return statistics.median(mine.cpu / its.cpu for mine, its in zip(self.runs, other.runs, strict=True))


def run(contestant: Contestant, log: Path, **environment: str) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; shows the end of what it printed.
    """
    contestant.prepare()
    command = [sys.executable, "-I", "-S", LAUNCH, str(log), *contestant.command]
    variables = BASE | contestant.environment | environment
    launched = subprocess.run(command, check=True, env=variables, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    wall, cpu, peak, code = map(float, launched.stdout.split())
    printed = log.read_bytes()
    if code:
        end = printed[-2000:].decode(errors="replace")
        raise RuntimeError(f"{contestant.name} failed ({code:.0f}): {end}")
    counts = [line for line in printed.splitlines() if line.startswith(TIMED)]
    if counts:
        wall, cpu = json.loads(counts[-1][len(TIMED) :])
    return Run(wall, cpu, int(peak))


def contest(case: Case, rounds: int, folder: Path) -> dict[str, Figures | str]:
    """Run a case: the figures of each contestant by name, or why there are none.

    A round that is not counted comes first: it brings files into memory. Peers, which take long, are not part of it.
    """
    figures: dict[str, Figures | str] = {one.name: one.missing or Figures([]) for one in case.contestants}
    for round_ in range(rounds + 1):
        for contestant in case.contestants:
            known = figures[contestant.name]
            if isinstance(known, str) or (contestant.is_peer and not round_):
                continue
            try:
                done = run(contestant, folder / "benchmark.log")
            except RuntimeError as error:
                figures[contestant.name] = str(error)
                continue
            if round_:
                known.runs.append(done)
    return figures


__all__ = ["Case", "Contestant", "Figures", "Goal", "Run", "at_most", "contest", "peak_at_most", "run"]
