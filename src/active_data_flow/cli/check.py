"""``adf check``: whether a flow's configuration is valid and its places can be reached."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from active_data_flow.cli.command import Command, add_flow, add_json, add_verbose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from active_data_flow.engine.explain import CheckLine


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_flow(parser)
    add_json(parser)
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from active_data_flow.cli.flows import open_flow
    from active_data_flow.cli.plain import print_json
    from active_data_flow.engine.explain import check

    flow = open_flow(options)
    lines = check(flow)
    good = all(line.ok for line in lines)
    if options.json:
        print_json({"flow": flow.name, "ok": good, "lines": [asdict(line) for line in lines]})
    else:
        _show(flow.name, lines, options.flow, good=good)
    return 0 if good else 2


def _show(name: str, lines: Sequence[CheckLine], reference: str, *, good: bool) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import BAD, GOOD, NOTE, facts, stdout
    from active_data_flow.core.logging import redact

    console = stdout()
    shown = [("flow", Text.assemble(("ok  ", GOOD), f"{name}: the configuration is valid"))]
    for line in lines:
        mark = ("BAD ", BAD) if not line.ok else ("note ", NOTE) if line.warning else ("ok  ", GOOD)
        shown.append((line.component, Text.assemble(mark, redact(line.text))))
    console.print(facts(shown))
    following = f"adf run {reference}" if good else f"mend what is marked BAD, then: adf check {reference}"
    console.print(Text(f"next: {following}"))


COMMAND = Command(
    name="check",
    summary="check configuration and connections",
    description=(
        "Check that a flow's configuration is valid, that its places can be reached, and\n"
        "that its first records pass. Nothing is written.\n\n"
        "exit codes:\n  0  all is in order\n  2  something is not"
    ),
    examples=(("adf check flights.yaml", "one line for each thing that was looked at"),),
    arguments=_arguments,
    run=_run,
)
