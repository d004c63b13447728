"""Looks for new splits while an endless source runs."""

from __future__ import annotations

import time
from collections.abc import Callable

from active_data_flow.core.clock import Clock

_SHARE = 0.1


class Discovery:
    """Looks at a source now and then, in a tenth of the time at most: meanwhile no reader gets a split.

    Args:
        look: Finds what is new.
        interval: Seconds from one look to the next, where looks are short.
        clock: The time as the run sees it.
    """

    def __init__(self, look: Callable[[], None], interval: float, clock: Clock) -> None:
        self._look = look
        self._interval = interval
        self._clock = clock
        self._began = clock.monotonic()
        self._took = 0.0

    def look_if_due(self, interval: float | None = None) -> bool:
        """Look if it is time, and return whether it was.

        Args:
            interval: Seconds from the last look, however long that took: for when no reader has anything to do.
        """
        wait = max(self._interval, self._took / _SHARE) if interval is None else interval
        now = self._clock.monotonic()
        if now < self._began + wait:
            return False
        self._began = now
        began = time.monotonic()  # readers wait in real time, whatever the clock says
        self._look()
        self._took = time.monotonic() - began
        return True


__all__ = ["Discovery"]
