"""How far a run is: what is counted, and a line every few seconds where there is no terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from active_data_flow.cli.plain import duration
from active_data_flow.core.events import (
    BatchWritten,
    Checkpointed,
    Event,
    RecordRejected,
    Retrying,
    RunFinished,
)
from active_data_flow.core.logging import get_logger

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow


class Counts:
    """What a run has done so far, counted from its events; what is not committed yet included."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.records = self.written = self.bytes = self.rejected = self.checkpoints = self.retries = 0
        self.done = False
        self._committed = (0, 0, 0, 0)

    def add(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, BatchWritten):
            self.records += event.records_read
            self.written += event.records_written
            self.bytes += event.bytes_read
        elif isinstance(event, RecordRejected):
            self.rejected += 1
        elif isinstance(event, Checkpointed):
            self.checkpoints += 1
            records, written, taken, rejected = self._committed
            self._committed = (
                records + event.records_read,
                written + event.records_written,
                taken + event.bytes_read,
                rejected + event.records_rejected,
            )
        elif isinstance(event, Retrying):
            self.retries += 1
            self.records, self.written, self.bytes, self.rejected = self._committed  # it is all read again
        elif isinstance(event, RunFinished):
            self.done = True

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def per_second(self) -> tuple[float, float]:
        """Records and bytes per second, over the whole run."""
        seconds = max(self.seconds, 1e-6)
        return self.records / seconds, self.bytes / seconds


class PlainProgress:
    """A log line every few seconds, for output that is no terminal.

    Args:
        flow: The flow that runs.
        level: The least important lines shown.
        every: Seconds between lines.
    """

    def __init__(self, flow: DataFlow, *, level: str = "info", every: float = 5.0) -> None:
        self._every = every
        self._level = level
        self._counts = Counts()
        self._flow = flow.name
        self._next = self._counts.began + every

    def __call__(self, event: Event) -> None:
        """Take an event of the run."""
        self._counts.add(event)
        if isinstance(event, BatchWritten) and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            self._line(event.run_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *of_the_block: object) -> None:
        """Nothing is open."""

    def _line(self, run: str) -> None:
        counts = self._counts
        records, taken = counts.per_second
        get_logger(self._flow, level=self._level, run=run).info(
            "progress",
            records_read=counts.records,
            records_per_second=round(records),
            bytes_read=counts.bytes,
            megabytes_per_second=round(taken / 1e6, 1),
            records_rejected=counts.rejected,
            checkpoints=counts.checkpoints,
            elapsed=duration(counts.seconds),
        )


def total_bytes(flow: DataFlow) -> int | None:
    """Bytes that the flow's sources hold, where each of them can tell without reading; None otherwise."""
    total = 0
    for source in flow.all_sources.values():
        tell = getattr(source, "total_bytes", None)
        if tell is None:
            return None
        known = tell()
        if known is None:
            return None
        total += int(known)
    return total * max(len(flow.all_sinks), 1)


__all__ = ["Counts", "PlainProgress", "total_bytes"]
