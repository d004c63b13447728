"""How things look: consoles, tables, panels, numbers. Colours never carry a meaning alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

GOOD = "bold blue"
BAD = "bold red"
NOTE = "yellow"
QUIET = "dim"


class _Console(Console):
    """A console that leaves it to the command what happens when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Called while the error is handled."""
        raise  # noqa: PLE0704  # the BrokenPipeError that is being handled


def stdout() -> Console:
    """Where results go."""
    return _Console(file=sys.stdout, highlight=False, soft_wrap=False)


def stderr() -> Console:
    """Where progress, errors and questions go."""
    return _Console(file=sys.stderr, highlight=False, soft_wrap=False)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """JSON on standard output."""
    print(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def table(*headers: str, title: str = "") -> Table:
    """An empty table; the first column and numbers never wrap. A header that ends in ``#`` has numbers below it."""
    made = Table(box=box.SIMPLE_HEAD, title=Text(title) if title else None, title_justify="left", title_style="bold")
    for index, header in enumerate(headers):
        number = header.endswith("#")
        made.add_column(
            Text(header.rstrip("#")),
            justify="right" if number else "left",
            no_wrap=number or index == 0,
            overflow="fold",
        )
    return made


def add_row(to: Table, *cells: Any) -> None:
    """Add a row; texts are taken as they are, not as markup."""
    to.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values below each other; None and empty ones are left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style=QUIET, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and value != "":
            grid.add_row(name, value if isinstance(value, Text) else Text(str(value)))
    return grid


def panel(content: RenderableType, title: str, style: str) -> RenderableType:
    """A box with a title."""
    return Panel(content, title=Text(title, style=style), title_align="left", border_style=style.rsplit(maxsplit=1)[-1])


def count(number: float) -> str:
    """A number as people read it: ``336,776``."""
    return f"{number:,.0f}"


def size(number: float) -> str:
    """Bytes as people read them: ``31.4 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """A time as people read it: ``0.42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def words(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


__all__ = [
    "BAD",
    "GOOD",
    "NOTE",
    "QUIET",
    "add_row",
    "count",
    "duration",
    "facts",
    "panel",
    "print_json",
    "size",
    "stderr",
    "stdout",
    "table",
    "words",
]
