"""Which signals came while something ran, whoever handles them."""

from __future__ import annotations

import os
import signal
import threading
from types import TracebackType
from typing import Self


class SignalLog:
    """Remembers the signals that arrive while it is open, through Python's wakeup pipe.

    The runtime handles SIGINT and SIGTERM alike, by stopping at the next checkpoint; the command tells them apart
    afterwards, because only an interrupt by the user is an exit code of its own.
    """

    def __init__(self) -> None:
        self._read = self._write = -1
        self._before = -1
        self._seen = b""

    @property
    def interrupted(self) -> bool:
        """Whether the first signal was SIGINT."""
        return self._seen[:1] == bytes([signal.SIGINT])

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._read, self._write = os.pipe()
            os.set_blocking(self._read, False)
            os.set_blocking(self._write, False)
            self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._read < 0:
            return
        signal.set_wakeup_fd(self._before)
        try:
            self._seen = os.read(self._read, 64)
        except BlockingIOError:
            self._seen = b""
        os.close(self._read)
        os.close(self._write)


__all__ = ["SignalLog"]
