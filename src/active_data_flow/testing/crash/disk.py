"""A disk that can be full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_AMPLE = 2**28


class SmallDisk:
    """A file system in memory over a directory.

    Args:
        place: The directory.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def leave(self, free: int) -> None:
        """Have so many bytes left, from now on."""
        self._resize(shutil.disk_usage(self.place).used + free)

    def empty(self) -> None:
        """Have all the space that one can want."""
        self._resize(_AMPLE)

    def _resize(self, size: int) -> None:
        _run("mount", "-o", f"remount,size={size}", str(self.place))


@contextmanager
def small_disk(place: Path) -> Generator[SmallDisk | None]:
    """Put a disk over an empty directory, with all the space that one can want; None where that takes other rights."""
    place.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or not _run("mount", "-t", "tmpfs", "-o", f"size={_AMPLE}", "tmpfs", str(place)):
        yield None
        return
    try:
        yield SmallDisk(place)
    finally:
        _run("umount", "-l", str(place))


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  # of this file


__all__ = ["SmallDisk", "small_disk"]
