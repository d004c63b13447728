"""From the arguments of a command to a flow and its store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from active_data_flow.core.data_flow import DataFlow


def open_flow(options: argparse.Namespace) -> DataFlow:
    """The flow that the arguments name, with its modules imported and its changes made.

    Raises:
        ConfigurationError: See `active_data_flow.core.loading.load_flow`; or a ``--set`` has no ``=``.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does
    from active_data_flow.cli import process
    from active_data_flow.core.loading import import_module, load_flow

    for module in options.imports:
        import_module(module)
    flow = load_flow(options.flow, parse_changes(options.changes))
    process.loaded()
    return flow


def parse_changes(texts: list[str]) -> dict[str, Any]:
    """The changes of ``--set``: dotted path -> value.

    Raises:
        ConfigurationError: A text has no ``=``, or its value is not valid YAML.
    """
    from active_data_flow.core.documents import parse_value
    from active_data_flow.core.errors import ConfigurationError

    changes: dict[str, Any] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise ConfigurationError(f"--set {text}: is given as path=value, as source.path=other.csv")
        changes[path.strip()] = parse_value(value)
    return changes


__all__ = ["open_flow", "parse_changes"]
