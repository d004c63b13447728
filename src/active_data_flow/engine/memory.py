"""Memory that was freed goes back to the system, so that a run that goes on for weeks stays as small as it began.

Arrow's allocators and the C library's keep what is freed for the thread that had it, and lanes have many threads. What
stays grows ever more slowly, but to several times of what is in use.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache

import pyarrow as pa

_EVERY = 2.0
_SHARE = 0.01
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""Parameters of ``mallopt``, from glibc's malloc.h."""
_LARGE = 2**20
_KEPT = 2**26
_OTHER_WISHES = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")


def keep_blocks_apart() -> None:
    """Have the C library give large blocks their own pages, and threads share arenas; for a process that is ours.

    Else it moves blocks of up to 32 MB into arenas, eight for each core, where what is freed between two blocks stays:
    a run of six lanes grew to one and a half times of the size that it has so. What is free at an arena's end stays
    till `FreedMemory` gives it back: else each block would get its pages anew. Call it before there are threads. What
    the environment says of it comes first.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None and not any(name in os.environ for name in _OTHER_WISHES):
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_ARENA_MAX, max(2, os.cpu_count() or 0))


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
        trim = _of_glibc("malloc_trim")
        if trim is not None:
            trim(0)
        ended = time.monotonic()
        return ended + max(self._every, (ended - began) / _SHARE)


@cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library, where it is glibc; None elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


FREED_MEMORY = FreedMemory()
"""One for all pipelines of a process, as its allocators are."""

__all__ = ["FREED_MEMORY", "FreedMemory", "keep_blocks_apart"]
