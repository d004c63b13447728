"""What is installed, shown for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from active_data_flow.cli.options import Option, json_schema, options_of
from active_data_flow.cli.output import BAD, GOOD, NOTE, QUIET, stdout, table
from active_data_flow.core.errors import PluginError
from active_data_flow.core.registry import Registration, find


def show_list(entries: Sequence[Registration]) -> None:
    """Print what is installed, package by package."""
    console = stdout()
    for origin in dict.fromkeys(entry.origin for entry in entries):
        shown = table("name", "kind", "what it is", title=origin)
        for entry in entries:
            if entry.origin == origin:
                shown.add_row(Text(entry.name), Text(entry.kind), _about(*_load(entry)))
        console.print(shown)
    console.print("options of one: adf connectors file")


def _about(component: Any, problem: str) -> Text:
    if problem:
        return Text(problem, style=BAD)
    capabilities = ", ".join(sorted(getattr(component, "capabilities", ())))
    return Text.assemble(_first_line(component), (f"\n{capabilities}" if capabilities else "", QUIET))


def show_options(entries: Sequence[Registration]) -> None:
    """Print all options of these."""
    console = stdout()
    for entry in entries:
        component, problem = _load(entry)
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


def _load(entry: Registration) -> tuple[Any, str]:
    """The class, or why it can't be had."""
    try:
        return find(entry.kind, entry.name), ""
    except PluginError as error:
        return None, error.message


def _first_line(component: Any) -> str:
    return (component.__doc__ or "").strip().split("\n")[0]


def entry_to_json(entry: Registration, *, schema: bool) -> dict[str, Any]:
    """One of them for programs; with the JSON schema of its options where that is asked for."""
    component, problem = _load(entry)
    package, _, version = entry.origin.rpartition(" ")
    known = package != "" and version[:1].isdecimal()
    described: dict[str, Any] = {
        "kind": entry.kind,
        "name": entry.name,
        "origin": package if known else entry.origin,
        "version": version if known else None,
        "target": entry.target,
        "capabilities": sorted(getattr(component, "capabilities", ())),
        "core_versions": getattr(component, "core_versions", ""),
        "summary": _first_line(component) if component is not None else "",
        "error": problem or None,
    }
    if schema and component is not None:
        described["options"] = [option._asdict() for option in options_of(component)]
        described["schema"] = json_schema(component)
    return described


__all__ = ["entry_to_json", "show_list", "show_options"]
