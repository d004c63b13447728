"""Examples at the end of a command's ``--help``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter


class _Formatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's own, which leaves the lines of the examples as they are."""


class WithExamples(BaseCommand):
    """A command with examples.

    Attributes:
        examples: Command line, and what it does.
    """

    examples: Sequence[tuple[str, str]] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, with the examples at the end of its help."""
        lines = "\n".join(f"  {command}\n      {what}" for command, what in self.examples)
        options = {"epilog": f"examples:\n{lines}", "formatter_class": _Formatter, **kwargs}
        return super().create_parser(prog_name, subcommand, **options)


__all__ = ["WithExamples"]
