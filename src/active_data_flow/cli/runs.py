"""``adf runs``: the history of runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from active_data_flow.cli.command import Command, add_directory, add_flow, add_json, add_verbose

if TYPE_CHECKING:
    from active_data_flow.engine.stores.records import RunRecord


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_flow(parser, optional=True)
    parser.add_argument("-n", "--limit", metavar="N", type=int, default=20, help="runs (default: %(default)s)")
    add_json(parser)
    add_directory(parser)
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.plain import print_json
    from active_data_flow.cli.state import flow_name, open_store

    with open_store(options) as store:
        runs = store.runs(flow_name(options, store) if options.flow else None, limit=options.limit)
    if options.json:
        print_json([_to_json(run) for run in runs])
    else:
        _show(runs)
    return 0


def _show(runs: Sequence[RunRecord]) -> None:
    from active_data_flow.cli.output import add_row, stdout, table
    from active_data_flow.cli.plain import count, duration

    shown = table("started", "flow", "status", "read#", "written#", "rejected#", "time#", title="runs, newest first")
    for run in runs:
        result = run.result
        numbers = [count(result[name]) if name in result else "" for name in _NUMBERS]
        seconds = duration(result["seconds"]) if "seconds" in result else ""
        add_row(shown, _local(run.started), run.flow, _status(run), *numbers, seconds)
    console = stdout()
    console.print(shown if runs else "no runs yet")
    _show_errors(runs)


def _show_errors(runs: Sequence[RunRecord]) -> None:
    """Of the flows whose last run failed: what a later run has made good needs no attention."""
    from rich.text import Text

    from active_data_flow.cli.output import stdout
    from active_data_flow.core.logging import redact

    last: dict[str, RunRecord] = {}
    for run in runs:
        last.setdefault(run.flow, run)
    for run in last.values():
        if error := run.result.get("error"):
            stdout().print(Text(f"{run.flow}, error of the last run, {_local(run.started)}: {redact(error)}"))


def _status(run: RunRecord) -> str:
    """How it ended; a run whose process is gone without a word was killed."""
    if run.status != "running":
        return run.status
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return "lost"
    except PermissionError:  # it lives, as somebody else's
        return run.status
    return run.status


def _local(time: str) -> str:
    from datetime import datetime

    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _to_json(run: RunRecord) -> dict[str, Any]:
    return {
        **run.result,
        "run_id": run.run_id,
        "flow": run.flow,
        "status": _status(run),
        "started": run.started,
        "ended": run.ended,
        "process": run.pid,
    }


_NUMBERS = ("records_read", "records_written", "records_rejected")

COMMAND = Command(
    name="runs",
    summary="list the runs of one flow, or of all",
    description=("List runs, newest first: when, how they ended, and what they did.\nA run that was killed is 'lost'."),
    examples=(
        ("adf runs", "the last runs of all flows"),
        ("adf runs flights.yaml -n 5 --json", "the last five of one flow, for programs"),
    ),
    arguments=_arguments,
    run=_run,
)
