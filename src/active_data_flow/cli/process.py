"""The process that ``adf`` has for itself: what makes it start and end fast, and stay small."""

from __future__ import annotations

import gc
import os
import sys

_FOR_ARROW = {
    "ARROW_DEFAULT_MEMORY_POOL": "jemalloc",
    "JE_ARROW_MALLOC_CONF": "narenas:2,dirty_decay_ms:10000",
}
"""Of Arrow's allocators jemalloc gives back most of what is freed, and is as fast; its builds for glibc have it.
By itself it hands pages back after a second, and many blocks would get theirs anew; `FreedMemory` hands back later."""


def begin() -> None:
    """Keep the garbage collector off while modules are imported, and choose how Arrow gets its memory.

    The collector would go through all that is imported again and again: a tenth of the time of a short command. What
    the environment says of Arrow comes first.
    """
    gc.disable()
    if _has_glibc():
        for name, value in _FOR_ARROW.items():
            os.environ.setdefault(name, value)


def loaded() -> None:
    """From here on the collector looks for garbage, if `begin` put it off; what there is by now stays to the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def end() -> None:
    """Spare the collector its last look at everything: the process ends, and its memory with it.

    Not where DuckDB is loaded: its binding takes what the collector leaves for leaks, and says so at length.
    """
    (gc.unfreeze if "duckdb" in sys.modules else gc.freeze)()


def _has_glibc() -> bool:
    try:
        return sys.platform == "linux" and bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (OSError, ValueError):  # as musl answers a question that it does not know
        return False


__all__ = ["begin", "end", "loaded"]
