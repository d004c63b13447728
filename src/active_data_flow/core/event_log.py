"""The one place that turns events into log lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from active_data_flow.core.events import (
    Checkpointed,
    Event,
    Events,
    RecordRejected,
    Retrying,
    RunFinished,
    RunStarted,
    SplitAssigned,
    SplitFinished,
    Subscriber,
)
from active_data_flow.core.logging import LEVELS, get_logger

SHOWN_REJECTS = 5
"""Rejected records that get a line of their own in each run; the others are counted."""


Line = Callable[[Event, str, str, Mapping[str, Any]], None]
"""Takes a line: the event, the level, the text and the values."""


def log_events(events: Events, *, level: str = "info") -> None:
    """Log what a flow's runs emit.

    Args:
        events: Where they are emitted.
        level: The least important lines to log; a flow's `log_level`.
    """
    events.subscribe(lines_of(_Logger(level), level=level))


def lines_of(line: Line, *, level: str = "info") -> Subscriber:
    """A subscriber that makes a line of each event that is worth one.

    Args:
        line: Takes the lines.
        level: The least important lines to make.
    """
    return _EventLog(line, level)


class _Logger:
    """Takes lines to the standard library's loggers."""

    def __init__(self, level: str) -> None:
        self._logger = lru_cache(64)(lambda flow, run: get_logger(flow, level=level, run=run))

    def __call__(self, event: Event, level: str, text: str, values: Mapping[str, Any]) -> None:
        getattr(self._logger(event.flow, event.run_id), level)(text, **values)


class _EventLog:
    def __init__(self, line: Line, level: str) -> None:
        self._line = line
        self._level = level
        self._rejected: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        method = _LINES.get(type(event))
        if method is not None:
            method(self, event)

    def _write(self, event: Event, level: str, text: str, **values: Any) -> None:
        """Make a line; structlog, which takes a while to import, is not asked for those that nobody wants."""
        if LEVELS.index(level) >= LEVELS.index(self._level):
            self._line(event, level, text, values)

    def started(self, event: RunStarted) -> None:
        self._write(
            event,
            "info",
            "run started",
            guarantee=event.guarantee,
            lanes=event.lanes,
            epoch=event.epoch,
            resumed_splits=event.resumed_splits,
        )

    def assigned(self, event: SplitAssigned) -> None:
        self._write(event, "debug", "split assigned", split=event.split, lane=event.lane, position=event.position)

    def split_finished(self, event: SplitFinished) -> None:
        self._write(event, "debug", "split finished", split=event.split, lane=event.lane)

    def checkpointed(self, event: Checkpointed) -> None:
        self._write(
            event,
            "debug",
            "checkpoint",
            records_read=event.records_read,
            records_written=event.records_written,
            records_rejected=event.records_rejected,
            bytes_read=event.bytes_read,
            seconds=round(event.seconds, 3),
        )

    def rejected(self, event: RecordRejected) -> None:
        count = self._rejected[event.run_id] = self._rejected.get(event.run_id, 0) + 1
        if count > SHOWN_REJECTS:
            return
        reject = event.reject
        where = {
            "split": reject.split_id,
            "stage": reject.stage,
            "field": reject.field,
            "error_type": reject.error_type,
        }
        known = {name: value for name, value in where.items() if value is not None}
        self._write(event, "warning", "record rejected", error=reject.error, **known)
        if count == SHOWN_REJECTS:
            self._write(event, "warning", "further rejected records are counted without a line")

    def retrying(self, event: Retrying) -> None:
        self._write(
            event, "warning", "retrying", error=event.error, attempt=event.attempt, pause_seconds=round(event.pause, 2)
        )

    def finished(self, event: RunFinished) -> None:
        self._rejected.pop(event.run_id, None)
        shown = {name: value for name, value in event.result.items() if name in _RESULT and value not in (None, "")}
        level = "error" if event.result.get("status") == "failed" else "info"
        self._write(event, level, "run finished", **shown)


_RESULT = (
    "status",
    "records_read",
    "records_written",
    "records_rejected",
    "bytes_read",
    "seconds",
    "checkpoints",
    "retries",
    "error",
)
_LINES: dict[type[Event], Any] = {
    RunStarted: _EventLog.started,
    SplitAssigned: _EventLog.assigned,
    SplitFinished: _EventLog.split_finished,
    Checkpointed: _EventLog.checkpointed,
    RecordRejected: _EventLog.rejected,
    Retrying: _EventLog.retrying,
    RunFinished: _EventLog.finished,
}

__all__ = ["SHOWN_REJECTS", "Line", "lines_of", "log_events"]
