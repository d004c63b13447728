"""One run of a flow at a time on one machine: a file lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from active_data_flow.core.errors import AlreadyRunningError, CheckpointError
from active_data_flow.engine.stores.records import now

_PAUSE = 0.05


@contextmanager
def hold(path: Path, flow: str, wait: float) -> Generator[None]:
    """Hold the lock while the block runs.

    Raises:
        AlreadyRunningError: Another run holds it, also after `wait` seconds; names its process and its start.
        CheckpointError: The file can't be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CheckpointError(f"lock file {path} can't be made: {error}", flow=flow) from error
    try:
        _take(descriptor, flow, wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} since {now()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, flow: str, wait: float) -> None:
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
                message = f"flow {flow} is running already ({holder}); wait for it, or run with --wait 60s"
                raise AlreadyRunningError(message, flow=flow) from None
            time.sleep(_PAUSE)
        else:
            return


__all__ = ["hold"]
