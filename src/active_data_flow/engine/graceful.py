"""Signals that let a run stop at a checkpoint."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def graceful(interrupt: Callable[[str], None]) -> Generator[None]:
    """The first SIGINT or SIGTERM asks to stop, the second acts as it would have without us.

    Does nothing outside of the main thread, where there are no signals.

    Args:
        interrupt: Asks to stop at the next checkpoint; told who asks, as ``SIGTERM``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def ask(number: int, _frame: Any) -> None:
        interrupt(signal.Signals(number).name)
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


__all__ = ["graceful"]
