"""From the command line to a command and its exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from active_data_flow.cli import check, checkpoint, connectors, explain, new, preview, process, rejects, run, runs
from active_data_flow.cli.command import HelpFormatter, add_parser, epilog
from active_data_flow.version import VERSION

COMMANDS = (
    run.COMMAND,
    preview.COMMAND,
    explain.COMMAND,
    check.COMMAND,
    runs.COMMAND,
    checkpoint.COMMAND,
    rejects.COMMAND,
    connectors.COMMAND,
    new.COMMAND,
)

_EXAMPLES = (
    ("adf new flow prices", "write a first flow, with data and a test, to start from"),
    ("adf run prices.py", "run it; run again, it goes on where it stopped"),
    ("adf preview flights.yaml", "see the first rows; nothing is written"),
)


def program(arguments: Sequence[str] | None = None) -> int:
    """Run ``adf`` in a process that is there for nothing else; see `main`."""
    process.begin()
    try:
        return main(arguments)
    finally:
        process.end()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of ``adf``; other things may live in the process.

    Args:
        arguments: What stands behind ``adf``; None: of this process.

    Returns:
        0 done, 1 the run failed, 2 bad configuration or arguments, 130 interrupted after a checkpoint.
    """
    _accept_any_text()
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        code = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return 0  # whoever reads has seen enough
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001  # the last place where an error can be shown well
        from active_data_flow.cli.failure import report

        return report(error, options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="adf",
        description="Write a data flow once - source, transform, sink - and run it anywhere,\nexactly once.",
        epilog=epilog(_EXAMPLES) + "\n\neach command has its own help: adf run --help",
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"adf {VERSION}")
    parsers = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    for command in COMMANDS:
        inner = add_parser(parsers, command.name, command.summary, command.description, command.examples)
        command.arguments(inner)
        inner.set_defaults(run=command.run, command=command.name)
    return parser


def _accept_any_text() -> None:
    """A terminal that can't show a letter gets a question mark for it, never a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _forget_output() -> None:
    """Keep the interpreter from complaining at exit that nobody reads what is still buffered."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


__all__ = ["COMMANDS", "main", "program"]
