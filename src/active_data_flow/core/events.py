"""What code emits; one place each turns events into log lines, progress, metrics and run records."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from active_data_flow.core.batch import Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run.

    Attributes:
        flow: Name of the flow.
        run_id: Id of the run.
    """

    flow: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """A run has its lock, its epoch and its positions."""

    epoch: int
    guarantee: str
    lanes: int
    resumed_splits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitAssigned(Event):
    """A lane got a split."""

    split: str
    lane: int
    position: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFinished(Event):
    """A split was read to its end."""

    split: str
    lane: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWritten(Event):
    """A batch has been given to the sink; not committed yet."""

    lane: int
    records_read: int
    records_written: int
    bytes_read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointed(Event):
    """Data and positions are committed; the numbers are those of this commit."""

    records_read: int
    records_written: int
    records_rejected: int
    bytes_read: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRejected(Event):
    """A record was set aside."""

    reject: Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying(Event):
    """An attempt failed for a reason that may pass; after `pause` seconds the run goes on from its checkpoint."""

    attempt: int
    pause: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run is over.

    Attributes:
        result: `RunResult.to_json` of the run.
    """

    result: dict[str, Any] = field(default_factory=dict[str, Any])


Subscriber = Callable[[Event], None]


class Events:
    """Hands events to subscribers, in the emitting thread, one at a time."""

    def __init__(self, *subscribers: Subscriber) -> None:
        self._subscribers = list(subscribers)
        self._lock = threading.Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Add a subscriber; it must be quick and must not raise."""
        with self._lock:
            self._subscribers.append(subscriber)

    def emit(self, event: Event) -> None:
        """Hand an event to all subscribers."""
        with self._lock:
            for subscriber in self._subscribers:
                subscriber(event)


__all__ = [
    "BatchWritten",
    "Checkpointed",
    "Event",
    "Events",
    "RecordRejected",
    "Retrying",
    "RunFinished",
    "RunStarted",
    "SplitAssigned",
    "SplitFinished",
    "Subscriber",
]
