"""``adf new``: a working file to start from, with its test."""

from __future__ import annotations

import argparse

from active_data_flow.cli.command import ActionError, Command, add_verbose


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("flow", "source", "sink"), help="what to write")
    parser.add_argument("name", metavar="NAME", help="its name, as prices or daily_prices")
    parser.add_argument("--into", metavar="DIR", default=".", help="where to write it (default: here)")
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.scaffold import ScaffoldError, generate

    try:
        made = generate(options.kind, options.name, options.into)
    except ScaffoldError as error:
        raise ActionError(str(error), following="adf new --help") from error
    for path in made.files:
        print(f"wrote {path}")
    print(f"next: {made.following}")
    print(f"test: {made.test}")
    return 0


COMMAND = Command(
    name="new",
    summary="write a new flow, source or sink, with its test",
    description=(
        "Write a commented file that works as it is, with a test beside it; a flow and a\n"
        "sink get some data too. Nothing that exists is overwritten."
    ),
    examples=(
        ("adf new flow prices", "prices.py, test_prices.py and data/prices.csv"),
        ("adf new source weather", "weather.py with a source of your own, and its test"),
        ("adf new sink alerts --into connectors", "connectors/alerts.py and its test"),
    ),
    arguments=_arguments,
    run=_run,
)
