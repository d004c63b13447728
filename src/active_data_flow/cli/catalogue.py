"""What is installed, shown for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from active_data_flow.cli.output import BAD, GOOD, NOTE, QUIET, stdout, table
from active_data_flow.core.catalogue import first_line, load
from active_data_flow.core.options import Option, options_of
from active_data_flow.core.registry import Registration


def show_list(entries: Sequence[Registration]) -> None:
    """Print what is installed, package by package."""
    console = stdout()
    for origin in dict.fromkeys(entry.origin for entry in entries):
        shown = table("name", "kind", "what it is", title=origin)
        for entry in entries:
            if entry.origin == origin:
                shown.add_row(Text(entry.name), Text(entry.kind), _about(*load(entry)))
        console.print(shown)
    console.print("options of one: adf connectors file")


def _about(component: Any, problem: str) -> Text:
    if problem:
        return Text(problem, style=BAD)
    capabilities = ", ".join(sorted(getattr(component, "capabilities", ())))
    return Text.assemble(first_line(component), (f"\n{capabilities}" if capabilities else "", QUIET))


def show_options(entries: Sequence[Registration]) -> None:
    """Print all options of these."""
    console = stdout()
    for entry in entries:
        component, problem = load(entry)
        console.print(Text.assemble((f"{entry.kind} {entry.name}", GOOD), (f"  {entry.origin}", QUIET)))
        console.print(_about(component, problem))
        if problem:
            continue
        shown = table("option", "type, default, and what it says")
        for option in options_of(component):
            shown.add_row(Text(option.name, style="bold"), _described(option))
        console.print(shown)


def _described(option: Option) -> Text:
    default = (f"  default: {option.default}", QUIET)
    if option.required:
        default = ("  required", NOTE)
    elif option.default in ("none", "", "[]"):
        default = ("  optional", QUIET)
    return Text.assemble(option.type.removesuffix(" or none"), default, f"\n{option.text}" if option.text else "")


__all__ = ["show_list", "show_options"]
