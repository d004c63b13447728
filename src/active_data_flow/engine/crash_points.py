"""Named places where a test can kill the process, to prove that nothing is lost or doubled.

Set ``ADF_CRASH_AT=<name>:<n>`` and the process kills itself (SIGKILL) when it passes the place for the n-th time.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

CRASH_POINTS = (
    "after-read",
    "after-transform",
    "after-write",
    "before-prepare",
    "after-prepare",
    "before-commit",
    "after-commit",
    "before-save",
    "after-save",
    "before-finish",
    "after-finish",
)

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here if a test asked for it; else nothing."""
    wanted, _, count = os.environ.get("ADF_CRASH_AT", "").partition(":")
    if name != wanted:
        return
    _passed[name] += 1
    if _passed[name] >= int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)


__all__ = ["CRASH_POINTS", "crash_point"]
