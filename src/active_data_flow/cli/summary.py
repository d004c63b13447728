"""What a run came to, for people."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from active_data_flow.cli.plain import count, duration, size
from active_data_flow.core.configuration import redact_url
from active_data_flow.core.run import RunStatus

if TYPE_CHECKING:
    from rich.text import Text

    from active_data_flow.core.data_flow import DataFlow
    from active_data_flow.core.run import RunResult

_TITLES = {
    RunStatus.SUCCESS: "done",
    RunStatus.PAUSED: "paused: the budget is used up; the next run goes on",
    RunStatus.INTERRUPTED: "interrupted at a checkpoint; the next run goes on",
    RunStatus.FAILED: "failed",
}


def show_summary(flow: DataFlow, result: RunResult, options: argparse.Namespace) -> None:
    """Print the summary of a run: in a box on a terminal, as plain lines elsewhere."""
    title = f"{result.flow}: {_TITLES[result.status]}"
    lines = summary(flow, result, options)
    if not sys.stdout.isatty():
        print(title)
        for name, value in lines:
            print(f"  {name:<9} {value}")
        return
    from active_data_flow.cli.output import GOOD, NOTE, facts, panel, stdout

    style = GOOD if result.status is RunStatus.SUCCESS else NOTE
    console = stdout()
    console.print(panel(facts(lines), title, style))


def summary(flow: DataFlow, result: RunResult, options: argparse.Namespace) -> list[tuple[str, str | Text]]:
    """The lines of the summary."""
    again = _again(options)
    rate = f"{count(result.records_read / result.seconds)} records/s" if result.seconds else ""
    lines: list[tuple[str, str | Text]] = [
        ("read", f"{count(result.records_read)} records, {size(result.bytes_read)}"),
        ("written", f"{count(result.records_written)} records"),
        ("rejected", _rejected(result, again)),
        ("time", ", ".join(part for part in (duration(result.seconds), rate) if part)),
        ("guarantee", result.guarantee),
    ]
    if result.retries:
        lines.append(("retries", count(result.retries)))
    lines += [("result", redact_url(result.target)), ("try", _hints(flow))]
    if result.status is RunStatus.SUCCESS and not result.records_read:
        lines.append(("note", f"nothing new; to begin anew: adf run {again} --from-start"))
    return [(name, value) for name, value in lines if value]


def _rejected(result: RunResult, again: str) -> str | Text:
    if not result.records_rejected:
        return "0 records"
    text = f"{count(result.records_rejected)} records; see them: adf rejects list {again}"
    if not sys.stdout.isatty():
        return text
    from rich.text import Text

    from active_data_flow.cli.output import NOTE

    return Text(text, style=NOTE)


def _again(options: argparse.Namespace) -> str:
    """The flow as it is to be given to a further command."""
    directory = "" if options.directory == ".adf" else f" --directory {options.directory}"
    return f"{options.flow}{directory}"


def _hints(flow: DataFlow) -> str:
    return "\n".join(hint for sink in flow.all_sinks.values() if (hint := sink.hint()))


__all__ = ["show_summary", "summary"]
