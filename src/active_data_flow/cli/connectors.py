"""``adf connectors``: what is installed, and the options of each."""

from __future__ import annotations

import argparse

from active_data_flow.cli.command import Command, add_json, add_verbose


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="show the options of this one")
    add_json(parser)
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.catalogue import show_list, show_options
    from active_data_flow.cli.plain import print_json
    from active_data_flow.core.catalogue import describe
    from active_data_flow.core.errors import PluginError
    from active_data_flow.core.near_names import near_names
    from active_data_flow.core.registry import registrations

    entries = registrations()
    if options.name:
        names = {entry.name for entry in entries}
        entries = [entry for entry in entries if entry.name == options.name]
        if not entries:
            raise PluginError(f"there is no connector {options.name!r}{near_names(options.name, names)}")
    if options.json:
        print_json([describe(entry, schema=bool(options.name)) for entry in entries])
    elif options.name:
        show_options(entries)
    else:
        show_list(entries)
    return 0


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
