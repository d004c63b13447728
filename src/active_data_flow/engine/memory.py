"""Memory that was freed goes back to the system, so that a run that goes on for weeks stays as small as it began.

Arrow's allocators and the C library's keep what is freed for the thread that had it, and lanes have many threads. What
stays grows ever more slowly, but to several times of what is in use.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from functools import cache

import pyarrow as pa

_EVERY = 2.0
_SHARE = 0.01


class FreedMemory:
    """Gives back what the process has freed, now and then, in a hundredth of the time: a large heap takes a while.

    Args:
        every: Seconds between two times at least.
    """

    def __init__(self, every: float = _EVERY) -> None:
        self._every = every
        self._next = time.monotonic() + every
        self._lock = threading.Lock()

    def give_back(self) -> None:
        """Do so where it is time."""
        if time.monotonic() < self._next or not self._lock.acquire(blocking=False):
            return
        try:
            self._next = self._give_back()
        finally:
            self._lock.release()

    def _give_back(self) -> float:
        """When it is time again."""
        began = time.monotonic()
        pa.default_memory_pool().release_unused()
        trim = _malloc_trim()
        if trim is not None:
            trim(0)
        ended = time.monotonic()
        return ended + max(self._every, (ended - began) / _SHARE)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """The C library's; only glibc has it."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


FREED_MEMORY = FreedMemory()
"""One for all pipelines of a process, as its allocators are."""

__all__ = ["FREED_MEMORY", "FreedMemory"]
