"""Counts what a run does against its budget, and carries the wish to stop."""

from __future__ import annotations

import threading

from active_data_flow.core.batch import Batch
from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.run import Budget


class Stop:
    """Why and whether the run is to stop: checked by all lanes between batches."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.interrupted_by = ""
        self.aborted = False

    @property
    def is_set(self) -> bool:
        """Whether lanes are to stop at a checkpoint."""
        return self._event.is_set()

    def request(self) -> None:
        """Stop at a checkpoint: the budget is used up, or an endless source is caught up with."""
        self._event.set()

    def interrupt(self, by: str) -> None:
        """Stop at a checkpoint because someone asked; `by` says who, as ``SIGTERM``."""
        self.interrupted_by = by
        self._event.set()

    def abort(self) -> None:
        """Stop without a checkpoint: the attempt has failed."""
        self.aborted = True
        self._event.set()

    def wait(self, seconds: float, clock: Clock = CLOCK) -> bool:
        """Sleep, but wake up when the run is to stop; returns whether it is."""
        return clock.wait(self._event, seconds)


class BudgetMeter:
    """Counts and asks to stop when the budget is used up.

    Args:
        budget: What the run may do.
        clock: Tells how much time has passed.
    """

    def __init__(self, budget: Budget, clock: Clock = CLOCK) -> None:
        self.budget = budget
        self._clock = clock
        self._lock = threading.Lock()
        self._started = clock.monotonic()
        self._records = 0
        self._bytes = 0

    @property
    def seconds(self) -> float:
        """Wall time since the run began."""
        return self._clock.monotonic() - self._started

    def take(self, batch: Batch) -> None:
        """Count a batch that was read."""
        with self._lock:
            self._records += batch.records_read
            self._bytes += batch.bytes_read

    @property
    def used_up(self) -> bool:
        """Whether any limit has been reached."""
        budget = self.budget
        return (
            (budget.seconds is not None and self.seconds >= budget.seconds)
            or (budget.records is not None and self._records >= budget.records)
            or (budget.bytes is not None and self._bytes >= budget.bytes)
        )


__all__ = ["BudgetMeter", "Stop"]
