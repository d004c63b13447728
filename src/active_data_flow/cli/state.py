"""The store of checkpoints, runs and rejected records, as commands use it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from active_data_flow.cli.command import ActionError
from active_data_flow.cli.flows import open_flow
from active_data_flow.runtimes.local import LocalRuntime

if TYPE_CHECKING:
    from active_data_flow.engine.stores.sqlite import SqliteStore

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@contextmanager
def open_store(options: argparse.Namespace) -> Generator[SqliteStore]:
    """The store in the directory of the arguments; closed at the end.

    Raises:
        ActionError: There is none; nothing is created just for looking.
    """
    runtime = LocalRuntime(options.directory)
    if not Path(options.directory, "state.db").exists():
        message = f"no flow has run with its checkpoints in {options.directory} yet"
        raise ActionError(message, following=f"adf run {options.flow or 'FLOW'}, or give --directory")
    try:
        yield runtime.store
    finally:
        runtime.close()


def flow_name(options: argparse.Namespace, store: SqliteStore) -> str:
    """Name of the flow that the arguments mean: FLOW may be the bare name of a flow that has run."""
    given = options.flow
    if _NAME.fullmatch(given) and not options.changes and store.runs(given, 1):
        return given
    return open_flow(options).name


__all__ = ["flow_name", "open_store"]
