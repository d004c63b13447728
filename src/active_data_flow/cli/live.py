"""How far a run is, on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from active_data_flow.cli.output import GOOD, NOTE, QUIET, stderr
from active_data_flow.cli.plain import count, size
from active_data_flow.cli.progress import Counts, total_bytes
from active_data_flow.core.events import Event, Retrying, RunStarted

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow


class TerminalProgress:
    """A live display of a run on standard error.

    Args:
        flow: The flow that runs.
    """

    def __init__(self, flow: DataFlow) -> None:
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
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
        head.add_column(ratio=1)
        head.add_column(justify="right", no_wrap=True)
        head.add_row(Text(self._name, style="bold"), self._bar(), Text(_clock(self._counts.seconds), style=QUIET))
        return Group(head, self._numbers(), Text(f"  {self._note}", style=QUIET, no_wrap=True, overflow="ellipsis"))

    def _bar(self) -> RenderableType:
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
        counts = self._counts
        records, taken = counts.per_second
        of_total = f" of {size(self._total)}" if self._total is not None and self._total >= counts.bytes else ""
        line = Text("  ", no_wrap=True, overflow="ellipsis")
        line.append(f"{count(counts.records)} records", style=GOOD)
        line.append(f"  {count(records)}/s  {size(counts.bytes)}{of_total}  {size(taken)}/s")
        line.append(f"  {count(counts.rejected)} rejected", style=NOTE if counts.rejected else QUIET)
        line.append(f"  {count(counts.checkpoints)} commits", style=QUIET)
        return line


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


__all__ = ["TerminalProgress"]
