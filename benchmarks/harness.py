"""Times whole processes in turn, A B A B, so that a drifting machine hurts all alike; prints medians and ratios."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

BASE = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Programs are measured as they start when they are installed: compiled."""


@dataclass(frozen=True)
class Contestant:
    """A command and what must be done, untimed, before each run of it."""

    name: str
    command: Sequence[str]
    prepare: Callable[[], None] = lambda: None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """One run as the operating system accounts for it."""

    wall: float
    cpu: float
    peak: int


@dataclass
class Case:
    """A contest: the first contestant is ours, the second the reference."""

    name: str
    contestants: list[Contestant]
    goal: str = ""


def run(contestant: Contestant, log: Path) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; shows the end of what it printed.
    """
    contestant.prepare()
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            contestant.command, stdout=output, stderr=subprocess.STDOUT, env={**BASE, **contestant.environment}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{contestant.name} failed ({process.returncode}): {log.read_text()[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def contest(case: Case, rounds: int, folder: Path) -> list[str]:
    """Run a case and return its rows of a Markdown table."""
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in case.contestants}
    for round_ in range(rounds + 1):
        for contestant in case.contestants:
            done = run(contestant, folder / "benchmark.log")
            if round_:
                runs[contestant.name].append(done)
    ours = runs[case.contestants[0].name]
    rows = []
    for contestant in case.contestants:
        theirs = runs[contestant.name]
        ratio = statistics.median(mine.wall / other.wall for mine, other in zip(ours, theirs, strict=True))
        walls = [one.wall for one in theirs]
        rows.append(
            f"| {case.name} | {contestant.name} | {statistics.median(walls):.2f} ({min(walls):.2f}-{max(walls):.2f})"
            f" | {statistics.median(one.cpu for one in theirs):.2f} | {max(one.peak for one in theirs) // 1024}"
            f" | {'' if theirs is ours else f'{ratio:.2f}'} | {case.goal if theirs is not ours else ''} |"
        )
    return rows


HEADER = [
    "| case | program | wall s (min-max) | CPU s | peak MB | ours / it | goal |",
    "|---|---|---|---|---|---|---|",
]

__all__ = ["HEADER", "Case", "Contestant", "Run", "contest", "run"]
