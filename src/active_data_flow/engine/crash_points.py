"""Named places where a test can kill or freeze the process, to prove that nothing is lost or doubled.

``ADF_CRASH_AT=<name>:<n>`` strikes when the process passes the place for the n-th time; the name ``*`` counts all
places together, and ``<n>+<seconds>`` strikes that long afterwards, wherever the process is then. ``ADF_CRASH_BY`` says
how: ``KILL`` (the default) or ``STOP``, which freezes the process until it gets SIGCONT.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

from active_data_flow.core.sink import Delivery

_BEGINNING = ("before-restore", "after-restore", "after-read", "after-transform", "after-write")
_END = ("before-finish", "after-finish")
_SAVING = ("before-save", "after-save")
_COMMITS = {
    Delivery.TRANSACTIONAL: ("before-commit", "after-commit", "after-save"),
    Delivery.TWO_PHASE: ("before-prepare", "after-prepare", "after-save", "after-commit", "after-mark"),
    Delivery.IDEMPOTENT: _SAVING,
    Delivery.AT_LEAST_ONCE: _SAVING,
}
CRASH_POINTS = tuple(dict.fromkeys((*_BEGINNING, *(name for names in _COMMITS.values() for name in names), *_END)))
"""All places there are."""

_passed: Counter[str] = Counter()
_lock = threading.Lock()


def points_of(delivery: Delivery) -> tuple[str, ...]:
    """The places that a run with such a sink passes, in the order in which it does."""
    return (*_BEGINNING, *_COMMITS[delivery], *_END)


def crash_point(name: str) -> None:
    """Be struck here if a test asked for it; else nothing."""
    wanted, _, count = os.environ.get("ADF_CRASH_AT", "").partition(":")
    if wanted not in (name, "*"):
        return
    with _lock:
        _passed[wanted] += 1
        passed = _passed[wanted]
    number, _, delay = count.partition("+")
    if passed != int(number or 1):
        return
    if delay:
        threading.Timer(float(delay), _strike).start()
    else:
        _strike()


def _strike() -> None:
    # sent to this thread, it strikes before the next step; sent to the process, a few steps later
    signal.pthread_kill(threading.get_ident(), signal.Signals[f"SIG{os.environ.get('ADF_CRASH_BY', 'KILL')}"])


__all__ = ["CRASH_POINTS", "crash_point", "points_of"]
