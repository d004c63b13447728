"""How far a run is: a live display on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from active_data_flow.cli.output import GOOD, NOTE, QUIET, count, duration, size, stderr
from active_data_flow.core.events import (
    BatchWritten,
    Checkpointed,
    Event,
    RecordRejected,
    Retrying,
    RunFinished,
    RunStarted,
)
from active_data_flow.core.logging import get_logger

if TYPE_CHECKING:
    from rich.console import RenderableType

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


class TerminalProgress:
    """A live display of a run on standard error.

    Args:
        flow: The flow that runs.
    """

    def __init__(self, flow: DataFlow) -> None:
        from rich.live import Live

        self._name = flow.name
        self._total = total_bytes(flow)
        self._counts = Counts()
        self._note = "starting"
        self._live = Live(self, console=stderr(), refresh_per_second=8, transient=True)

    def __call__(self, event: Event) -> None:
        """Take an event of the run."""
        self._counts.add(event)
        if isinstance(event, RunStarted):
            again = f", resuming {event.resumed_splits} splits" if event.resumed_splits else ""
            lanes = f"{event.lanes} lanes" if event.lanes > 1 else "1 lane"
            self._note = f"{event.guarantee}, {lanes}{again}"
        elif isinstance(event, Retrying):
            self._note = f"retry {event.attempt} in {event.pause:.1f} s: {event.error}"

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        head.add_row(Text(self._name, style="bold"), self._bar(), Text(_clock(self._counts.seconds), style=QUIET))
        return Group(head, self._numbers(), Text(f"  {self._note}", style=QUIET, no_wrap=True, overflow="ellipsis"))

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar

        known = self._total is not None and self._total >= self._counts.bytes
        return ProgressBar(
            total=float(self._total or 1) if known else None,
            completed=float(self._counts.bytes),
            pulse=not known,
            complete_style="blue",
            finished_style="blue",
            pulse_style="blue",
        )

    def _numbers(self) -> RenderableType:
        from rich.text import Text

        counts = self._counts
        records, taken = counts.per_second
        of_total = f" of {size(self._total)}" if self._total is not None and self._total >= counts.bytes else ""
        line = Text("  ", no_wrap=True, overflow="ellipsis")
        line.append(f"{count(counts.records)} records", style=GOOD)
        line.append(f"  {count(records)}/s  {size(counts.bytes)}{of_total}  {size(taken)}/s")
        line.append(f"  {count(counts.rejected)} rejected", style=NOTE if counts.rejected else QUIET)
        line.append(f"  {count(counts.checkpoints)} commits", style=QUIET)
        return line


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


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


__all__ = ["Counts", "PlainProgress", "TerminalProgress", "total_bytes"]
