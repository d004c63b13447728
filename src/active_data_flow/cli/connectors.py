"""``adf connectors``: what is installed, and the options of each."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from active_data_flow.cli.command import Command, add_json, add_verbose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from active_data_flow.core.registry import Registration


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="show the options of this one")
    add_json(parser)
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.output import print_json
    from active_data_flow.core.errors import PluginError
    from active_data_flow.core.overrides import nearest
    from active_data_flow.core.registry import registrations

    entries = registrations()
    if options.name:
        names = {entry.name for entry in entries}
        entries = [entry for entry in entries if entry.name == options.name]
        if not entries:
            raise PluginError(f"there is no connector {options.name!r}{nearest(options.name, names)}")
    if options.json:
        print_json([_to_json(entry, schema=bool(options.name)) for entry in entries])
    elif options.name:
        _show_options(entries)
    else:
        _show_list(entries)
    return 0


def _show_list(entries: Sequence[Registration]) -> None:
    from active_data_flow.cli.output import add_row, stdout, table

    shown = table("kind", "name", "from", "what it is")
    for entry in entries:
        component, problem = _load(entry)
        about = problem or _about(component)
        add_row(shown, entry.kind, entry.name, entry.origin, about)
    console = stdout()
    console.print(shown)
    console.print("options of one: adf connectors file")


def _about(component: Any) -> str:
    capabilities = ", ".join(sorted(getattr(component, "capabilities", ())))
    summary = _first_line(component)
    return f"{summary}\n{capabilities}" if capabilities else summary


def _show_options(entries: Sequence[Registration]) -> None:
    from rich.text import Text

    from active_data_flow.cli.options import options_of
    from active_data_flow.cli.output import BAD, GOOD, QUIET, add_row, stdout, table

    console = stdout()
    for entry in entries:
        component, problem = _load(entry)
        console.print(Text.assemble((f"{entry.kind} {entry.name}", GOOD), (f"  {entry.origin}", QUIET)))
        if problem:
            console.print(Text(problem, style=BAD))
            continue
        console.print(Text(_about(component)))
        shown = table("option", "type", "default", "what it says")
        for option in options_of(component):
            add_row(shown, option.name, option.type, "required" if option.required else option.default, option.text)
        console.print(shown)


def _load(entry: Registration) -> tuple[Any, str]:
    """The class, or why it can't be had."""
    from active_data_flow.core.errors import PluginError
    from active_data_flow.core.registry import find

    try:
        return find(entry.kind, entry.name), ""
    except PluginError as error:
        return None, error.message


def _first_line(component: Any) -> str:
    return (component.__doc__ or "").strip().split("\n")[0]


def _to_json(entry: Registration, *, schema: bool) -> dict[str, Any]:
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
        from active_data_flow.cli.options import json_schema, options_of

        described["options"] = [option._asdict() for option in options_of(component)]
        described["schema"] = json_schema(component)
    return described


COMMAND = Command(
    name="connectors",
    summary="list sources, sinks, transforms and runtimes; show their options",
    description=(
        "List what is installed: sources, sinks, transforms and runtimes, with the\n"
        "package that brings each. With a name: all of its options, as they stand in\n"
        "documents and in code."
    ),
    examples=(
        ("adf connectors", "what there is"),
        ("adf connectors file", "options of the file source and the file sink"),
        ("adf connectors sql --json", "with the JSON schema of the options"),
    ),
    arguments=_arguments,
    run=_run,
)
