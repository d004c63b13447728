"""What a command is, and the arguments that several of them share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

Arguments = Callable[[argparse.ArgumentParser], None]


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Leaves descriptions and examples as they are written, and keeps each command of a list on one line."""

    def add_argument(self, action: argparse.Action) -> None:
        """Also counts the indent of sub-commands, which argparse forgets."""
        super().add_argument(action)
        if action.nargs == argparse.PARSER:
            self._action_max_length += 2


_FLOW_HELP = "a document (.yaml, .yml, .json), package.module:Class or file.py:Class"


class Command(NamedTuple):
    """One command of ``adf``.

    Attributes:
        name: Word by which it is called.
        summary: One line for the list of commands.
        description: A few sentences for its own help.
        examples: Commands that work, with a few words on each.
        arguments: Adds its arguments to a parser.
        run: Does it; gives the exit code.
    """

    name: str
    summary: str
    description: str
    examples: tuple[tuple[str, str], ...]
    arguments: Arguments
    run: Callable[[argparse.Namespace], int]


class ActionError(Exception):
    """What was asked for can't be done, for a reason that no error of the framework stands for.

    Args:
        message: What is wrong.
        following: The command to try next.
        code: Exit code.
    """

    def __init__(self, message: str, *, following: str = "", code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.following = following
        self.code = code


def epilog(examples: tuple[tuple[str, str], ...]) -> str:
    """Examples as they stand at the end of a help text."""
    lines = [f"  {command}\n      {meaning}" for command, meaning in examples]
    return "examples:\n" + "\n".join(lines)


def add_parser(
    parsers: Parsers, name: str, summary: str, description: str, examples: tuple[tuple[str, str], ...]
) -> argparse.ArgumentParser:
    """A parser below another, for a command or for an action of one."""
    return parsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog(examples),
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )


class Parsers(Protocol):
    """What `argparse.ArgumentParser.add_subparsers` gives; argparse has no public name for it."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        """A parser below the one it belongs to."""
        ...


def add_flow(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """FLOW, and how it is loaded and changed."""
    parser.add_argument("flow", metavar="FLOW", nargs="?" if optional else None, help=_FLOW_HELP)
    parser.add_argument(
        "--set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        dest="changes",
        help="set one option of the flow, as source.path=other.csv; may be given several times",
    )
    parser.add_argument(
        "--import",
        metavar="MODULE",
        action="append",
        default=[],
        dest="imports",
        help="import a module first, for the functions and components that it registers",
    )


def add_directory(parser: argparse.ArgumentParser) -> None:
    """Where checkpoints, runs and rejected records are kept."""
    parser.add_argument(
        "--directory", metavar="DIR", default=".adf", help="where checkpoints are kept (default: %(default)s)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Output for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, for programs")


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """More output when something goes wrong."""
    parser.add_argument("--verbose", action="store_true", help="show debug lines and the traceback of an error")


__all__ = [
    "ActionError",
    "Command",
    "HelpFormatter",
    "Parsers",
    "add_directory",
    "add_flow",
    "add_json",
    "add_parser",
    "add_verbose",
    "epilog",
]
