"""``adf preview``: the first rows of a flow; nothing is written."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from active_data_flow.cli.command import Command, add_flow, add_verbose

if TYPE_CHECKING:
    from rich.console import Console

    from active_data_flow.core.batch import Reject
    from active_data_flow.engine.preview import Preview

_WIDEST = 40
_SHOWN_REJECTS = 5


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_flow(parser)
    parser.add_argument("-n", "--rows", metavar="N", type=_positive, default=10, help="rows (default: %(default)s)")
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.flows import open_flow
    from active_data_flow.cli.output import stdout
    from active_data_flow.engine.preview import preview

    console = stdout()
    for found in preview(open_flow(options), rows=options.rows):
        _show(console, found)
    return 0


def _show(console: Console, found: Preview) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import GOOD, QUIET
    from active_data_flow.cli.plain import count

    console.print(Text(found.pipeline, style=GOOD))
    if not found.table.num_columns:
        console.print(Text("no records", style=QUIET))
    else:
        left_out = _print_rows(console, found)
        total = found.table.num_columns
        text = f"{count(found.table.num_rows)} rows, {total} columns, of {count(found.rows_read)} records read"
        console.print(Text(text, style=QUIET))
        if left_out:
            console.print(Text(f"not shown, as the terminal is narrow: {', '.join(left_out)}", style=QUIET))
    _print_rejects(console, found.rejects)


def _print_rows(console: Console, found: Preview) -> list[str]:
    """Print as many columns as fit; gives the names of the others."""
    from active_data_flow.cli.output import add_row, table

    rows: list[dict[str, Any]] = found.table.to_pylist()
    names = found.table.column_names
    heads = [f"{field.name}\n{field.type}" for field in found.schema]
    cells = [[_cell(row[name]) for row in rows] for name in names]
    fitting = _fitting(heads, cells, console.width)
    shown = table(*heads[:fitting])
    for column in shown.columns:
        column.overflow, column.no_wrap = "ellipsis", True
    for row in zip(*cells[:fitting], strict=True):
        add_row(shown, *row)
    console.print(shown)
    return names[fitting:]


def _fitting(heads: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    taken = 0
    for index, (head, column) in enumerate(zip(heads, cells, strict=True)):
        taken += max(len(text) for text in (*head.split("\n"), *column)) + 3
        if taken > width:
            return max(index, 1)
    return len(heads)


def _cell(value: Any) -> str:
    if value is None:
        return "·"
    text = value if isinstance(value, str) else str(value)
    text = text.replace("\n", "⏎").replace("\r", "").replace("\t", " ")
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _print_rejects(console: Console, rejects: Sequence[Reject]) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import NOTE

    if not rejects:
        return
    console.print(Text(f"{len(rejects)} of the records read are rejected:", style=NOTE))
    for reject in rejects[:_SHOWN_REJECTS]:
        console.print(Text(f"  {reject.stage}: {reject.error}"))
    if len(rejects) > _SHOWN_REJECTS:
        console.print(Text(f"  … and {len(rejects) - _SHOWN_REJECTS} more"))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows, 1 or more")
    return int(text)


COMMAND = Command(
    name="preview",
    summary="show the first rows after the transforms; nothing is written",
    description=(
        "Show the first rows of a flow as its sink would get them.\nNothing is written, no checkpoint is touched."
    ),
    examples=(
        ("adf preview flights.yaml", "the first 10 rows"),
        ("adf preview flows.py:Prices -n 3 --set limit=5", "3 rows, with another option"),
    ),
    arguments=_arguments,
    run=_run,
)
