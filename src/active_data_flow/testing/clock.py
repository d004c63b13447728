"""A clock that goes on only when it is told to, or slept on."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from active_data_flow.core.clock import Clock


class FakeClock(Clock):
    """A clock for tests: sleeping on it takes no time and moves it on.

    So a backoff of minutes, a budget of an hour or a checkpoint every five minutes is over in milliseconds, and always
    at the same moment. A source that has nothing to give lets time pass, too, but only when its lane has used up what
    it was given before.

    Args:
        start: The time of day at which it begins; must have a time zone.
        step: Seconds that a wait (a backoff, an idle pause) takes at least, so that an idle hour is few looks.

    Example:
        >>> clock = FakeClock()
        >>> clock.sleep(90)
        >>> clock.advance(30)
        >>> clock.monotonic(), clock.now().isoformat()
        (120.0, '2026-01-01T00:02:00+00:00')

        A run on it:

        >>> from active_data_flow.runtimes.local import LocalRuntime
        >>> LocalRuntime(clock=clock).runner(flow).run(Budget(seconds=3600))
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), *, step: float = 1.0) -> None:
        self._start = start.astimezone(UTC)
        self._step = step
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The start, and what has passed since."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that have passed since the start."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Move on.

        Raises:
            ValueError: A clock does not go back.
        """
        if seconds < 0:
            raise ValueError(f"a clock does not go back (given: {seconds})")
        with self._lock:
            self._passed += seconds

    def sleep(self, seconds: float) -> None:
        """Move on at once; other threads get their turn."""
        self.advance(seconds)
        time.sleep(0)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move on at once, unless the event is set already."""
        if not event.is_set():
            self.sleep(max(seconds, self._step))
        return event.is_set()


__all__ = ["FakeClock"]
