"""The time as runs see it: one place, so that a test can give them a time of its own."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """The machine's time.

    Runs ask it for backoff, budgets, checkpoints and idle pauses. What waits for other threads or processes (locks,
    hand-over between threads) uses real time, whatever the clock says. For tests of what takes minutes there is
    `active_data_flow.testing.FakeClock`.
    """

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment in the past; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let so many seconds pass, fewer if the event is set meanwhile; returns whether it is set."""
        return event.wait(seconds)


CLOCK = Clock()
"""The machine's clock: what is used where none is given."""

__all__ = ["CLOCK", "Clock"]
