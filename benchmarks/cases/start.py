"""What a start costs before any work."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager

from benchmarks.harness import Case, Contestant, Goal
from benchmarks.setting import ADF, Setting

ADDED = Goal("≤ +60 ms", lambda ours, its: ours.wall - its.wall <= 0.060)
WITHIN = Goal("≤ 150 ms", lambda ours, _: ours.wall <= 0.150)
BARE = [sys.executable, "-c", "pass"]


@contextmanager
def importing(setting: Setting) -> Generator[Case]:
    """Importing the package against bare Python."""
    ours = Contestant("import active_data_flow", [sys.executable, "-c", "import active_data_flow"])
    yield Case("import", 0, [ours, Contestant("bare Python", BARE, goal=ADDED)])


@contextmanager
def showing_help(setting: Setting) -> Generator[Case]:
    """`adf --help` against bare Python."""
    yield Case("help", 0, [Contestant("adf --help", [ADF, "--help"], goal=WITHIN), Contestant("bare Python", BARE)])
