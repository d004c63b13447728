"""``adf checkpoint``: how far a flow has read, and forgetting it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from active_data_flow.cli.command import Command, add_directory, add_flow, add_json, add_parser, add_verbose

if TYPE_CHECKING:
    from active_data_flow.core.checkpoint import Checkpoint
    from active_data_flow.core.data_flow import DataFlow
    from active_data_flow.engine.stores.sqlite import SqliteStore


_EXAMPLES = (
    ("adf checkpoint show flights.yaml", "each split with its position"),
    ("adf checkpoint reset flights.yaml", "the next run begins anew; data that is written stays"),
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    for name, summary, action in (("show", "show the positions", _show), ("reset", "forget the positions", _reset)):
        inner = add_parser(actions, name, summary, f"{summary.capitalize()} of a flow.", _EXAMPLES)
        add_flow(inner)
        add_json(inner)
        add_directory(inner)
        add_verbose(inner)
        inner.set_defaults(action=action)


def _run(options: argparse.Namespace) -> int:
    return options.action(options)


def _show(options: argparse.Namespace) -> int:
    from active_data_flow.cli.flows import open_flow
    from active_data_flow.cli.plain import print_json
    from active_data_flow.cli.state import open_store

    flow = open_flow(options)
    with open_store(options) as store:
        found = _checkpoints(flow, store)
    if options.json:
        print_json({"flow": flow.name, "pipelines": [_to_json(*entry) for entry in found]})
    else:
        for entry in found:
            _print(*entry)
    return 0


def _checkpoints(flow: DataFlow, store: SqliteStore) -> list[tuple[str, str, Checkpoint | None]]:
    """Pipeline, where its positions are kept, and the positions. What a sink keeps itself wins."""
    from active_data_flow.engine.pipeline import pipelines_of

    found: list[tuple[str, str, Checkpoint | None]] = []
    for pipeline in pipelines_of(flow):
        with_data = pipeline.sink.positions(pipeline.name)
        if with_data is not None:
            found.append((pipeline.name, f"in the sink, with the data: {pipeline.sink.describe()}", with_data))
        else:
            found.append((pipeline.name, str(store.path), store.load(pipeline.name)))
    return found


def _print(name: str, where: str, checkpoint: Checkpoint | None) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import GOOD, add_row, facts, stdout, table
    from active_data_flow.cli.plain import count

    console = stdout()
    console.print(Text(name, style=GOOD))
    if checkpoint is None:
        console.print("nothing is committed yet")
        return
    console.print(facts([("kept", where), ("epoch", checkpoint.epoch), ("splits", count(len(checkpoint.splits)))]))
    shown = table("split", "position", "state")
    for split, state in checkpoint.splits.items():
        position = json.dumps(state.position, ensure_ascii=False, default=str)
        add_row(shown, split, position, "finished" if state.finished else "open")
    console.print(shown)


def _to_json(name: str, where: str, checkpoint: Checkpoint | None) -> dict[str, Any]:
    splits = {} if checkpoint is None else {split: state.to_json() for split, state in checkpoint.splits.items()}
    epoch = None if checkpoint is None else checkpoint.epoch
    return {"name": name, "kept": where, "epoch": epoch, "splits": splits}


def _reset(options: argparse.Namespace) -> int:
    from active_data_flow.cli.flows import open_flow
    from active_data_flow.cli.plain import print_json
    from active_data_flow.cli.state import open_store
    from active_data_flow.engine.pipeline import pipelines_of

    flow = open_flow(options)
    names: list[str] = []
    with open_store(options) as store, store.acquire(flow.name):
        for pipeline in pipelines_of(flow):
            pipeline.sink.reset(pipeline.name)
            store.reset(pipeline.name)
            names.append(pipeline.name)
    if options.json:
        print_json({"flow": flow.name, "reset": names})
    else:
        print(f"{flow.name}: positions forgotten; what is written stays, and the next run reads everything again")
        print(f"next: adf run {options.flow}")
    return 0


COMMAND = Command(
    name="checkpoint",
    summary="show or reset how far a flow has read",
    description="Show how far a flow has read, split by split, or forget it.",
    examples=_EXAMPLES,
    arguments=_arguments,
    run=_run,
)
