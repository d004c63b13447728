"""What a run tells of itself while it goes on: log lines and counts, kept until they are written down."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from active_data_flow.core.checkpoint import Counts
from active_data_flow.core.event_log import lines_of
from active_data_flow.core.events import Checkpointed, Event
from active_data_flow.core.logging import redact
from active_data_flow.core.run import RunResult
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, RunLogLine
from active_data_flow.runtimes.heartbeat.settings import app_settings
from active_data_flow.runtimes.heartbeat.texts import storable, storable_value

_LAST = 20


class RunLog:
    """A subscriber of a run's events.

    So many lines are kept as the setting ``LOG_LINES`` says, those of earlier goes included; the last few places are
    for what ends a go.

    Args:
        run: The run.
        level: The least important lines to keep.
    """

    def __init__(self, run: DataFlowRun, level: str) -> None:
        self._run = run
        self._before = counts_of(run)
        self._done = Counts()
        self._lines = lines_of(self._line, level=level)
        self._waiting: list[RunLogLine] = []
        self._left = app_settings().log_lines
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Look how many lines earlier goes have left; in the thread of the database."""
        if self._run.result or self._run.attempt > 1:
            self._left -= RunLogLine.objects.using(database()).filter(run=self._run).count()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Checkpointed):
            with self._lock:
                self._done += Counts(
                    event.records_read, event.records_written, event.records_rejected, event.bytes_read
                )
        self._lines(event)

    @property
    def progress(self) -> dict[str, int]:
        """What the run has committed so far."""
        with self._lock:
            return columns_of(self._before + self._done)

    def write(self) -> None:
        """Write down the lines that wait; in the thread of the database."""
        with self._lock:
            lines, self._waiting = self._waiting, []
        if lines:
            RunLogLine.objects.using(database()).bulk_create(lines)

    def _line(self, event: Event, level: str, text: str, values: Mapping[str, Any]) -> None:
        with self._lock:
            ends = level == "error" or text == "run finished"
            if self._left <= (0 if ends else _LAST):
                return
            self._left -= 1
            if self._left == _LAST and not ends:
                level, text, values = "warning", "further lines are left out", {}
            kept = storable_value(redact(dict(values)))
            at = timezone.now()
            self._waiting.append(RunLogLine(run=self._run, at=at, level=level, text=storable(text), values=kept))


def counts_of(run: DataFlowRun | RunResult) -> Counts:
    """What a run, or one go of it, has committed."""
    return Counts(run.records_read, run.records_written, run.records_rejected, run.bytes_read)


def columns_of(counts: Counts) -> dict[str, int]:
    """Counts as columns of a run's record."""
    return {
        "records_read": counts.records_read,
        "records_written": counts.records_written,
        "records_rejected": counts.records_rejected,
        "bytes_read": counts.bytes_read,
    }


__all__ = ["RunLog", "columns_of", "counts_of"]
