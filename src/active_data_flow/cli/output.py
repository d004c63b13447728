"""How things look: consoles, tables, panels. Colours never carry a meaning alone."""

from __future__ import annotations

import sys
from collections.abc import Iterable
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


__all__ = [
    "BAD",
    "GOOD",
    "NOTE",
    "QUIET",
    "add_row",
    "facts",
    "panel",
    "stderr",
    "stdout",
    "table",
]
