"""``adf rejects``: the records that were set aside."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from active_data_flow.cli.command import (
    ActionError,
    Command,
    Parsers,
    add_directory,
    add_flow,
    add_json,
    add_parser,
    add_verbose,
)

if TYPE_CHECKING:
    from active_data_flow.engine.stores.records import RejectGroup, StoredReject
    from active_data_flow.engine.stores.sqlite import SqliteStore

_EXAMPLES = (
    ("adf rejects list flights.yaml", "counted by kind of error, and the first of them"),
    ("adf rejects show flights.yaml 17", "one record, whole"),
    ("adf rejects replay flights.yaml", "run them through the flow again, after a fix"),
    ("adf rejects discard flights.yaml 17 18", "give two of them up"),
)
_PAGE = 1000


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, title="actions")
    _action(actions, "list", "count them by kind of error", _list, ids=False)
    _action(actions, "show", "show them whole", _show, ids=True)
    _action(actions, "replay", "run them through the flow again", _replay, ids=True)
    discard = _action(actions, "discard", "give them up", _discard, ids=True)
    discard.add_argument("--yes", action="store_true", help="do not ask")


def _action(actions: Parsers, name: str, summary: str, action: Any, *, ids: bool) -> argparse.ArgumentParser:
    parser = add_parser(actions, name, summary, f"Rejected records of a flow: {summary}.", _EXAMPLES)
    add_flow(parser)
    if ids:
        parser.add_argument("ids", metavar="ID", nargs="*", type=int, help="number of a record (default: all)")
    else:
        parser.add_argument("-n", "--limit", metavar="N", type=int, default=10, help="records (default: %(default)s)")
    add_json(parser)
    add_directory(parser)
    add_verbose(parser)
    parser.set_defaults(action=action)
    return parser


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.state import open_store

    with open_store(options) as store:
        return options.action(options, store)


def _list(options: argparse.Namespace, store: SqliteStore) -> int:
    from active_data_flow.cli.plain import print_json
    from active_data_flow.cli.state import flow_name

    flow = flow_name(options, store)
    groups = store.reject_groups(flow)
    first = store.rejects(flow, limit=options.limit)
    if options.json:
        shown = [_group_to_json(group) for group in groups]
        print_json({"flow": flow, "groups": shown, "rejects": [_to_json(reject) for reject in first]})
    elif groups:
        _print_list(options, groups, first)
    else:
        print(f"{flow}: no rejected records")
    return 0


def _print_list(options: argparse.Namespace, groups: list[RejectGroup], first: list[StoredReject]) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import add_row, stdout, table
    from active_data_flow.cli.plain import count

    console = stdout()
    kinds = table("records#", "error", "stage", "field", "example", title="rejected records by kind")
    for group in groups:
        add_row(kinds, count(group.records), group.error_type, group.stage, group.field, group.example)
    console.print(kinds)
    records = table("id#", "record", "error", title="the first of them")
    for reject in first:
        add_row(records, reject.id, _short(reject.record), reject.error)
    console.print(records)
    console.print(Text(f"one of them whole: adf rejects show {options.flow} {first[0].id}"))
    console.print(Text(f"after a fix:       adf rejects replay {options.flow}"))


def _show(options: argparse.Namespace, store: SqliteStore) -> int:
    from active_data_flow.cli.plain import print_json
    from active_data_flow.cli.state import flow_name

    found = _wanted(options, store, flow_name(options, store))
    if options.json:
        print_json([_to_json(reject) for reject in found])
        return 0
    for reject in found:
        _print_one(reject)
    return 0


def _print_one(reject: StoredReject) -> None:
    from active_data_flow.cli.output import NOTE, facts, panel, stdout

    record = (
        reject.record if isinstance(reject.record, str) else json.dumps(reject.record, indent=2, ensure_ascii=False)
    )
    lines = [
        ("error", reject.error),
        ("kind", reject.error_type),
        ("stage", reject.stage),
        ("field", reject.field),
        ("split", reject.split_id),
        ("position", json.dumps(reject.position, ensure_ascii=False)),
        ("run", f"{reject.run_id}, {reject.at}"),
        ("flow", f"{reject.flow}, version {reject.flow_version}"),
        ("record", record),
    ]
    stdout().print(panel(facts(lines), f"rejected record {reject.id}", NOTE))


def _replay(options: argparse.Namespace, store: SqliteStore) -> int:
    from active_data_flow.cli.flows import open_flow
    from active_data_flow.cli.plain import count, print_json
    from active_data_flow.engine.replay import replay

    flow = open_flow(options)
    if not store.rejects(flow.name, limit=1):
        raise ActionError(
            f"flow {flow.name} has no open rejected records", following=f"adf runs {options.flow}", code=1
        )
    if options.ids:
        _wanted(options, store, flow.name)
    result = replay(flow, store, options.ids or None)
    if options.json:
        print_json(result.to_json(), indent=None)
        return 0
    print(f"{flow.name}: {count(result.records_read)} rejected records replayed")
    print(f"  written   {count(result.records_written)} records")
    print(f"  rejected  {count(result.records_rejected)} records again")
    if result.records_rejected:
        print(f"next: adf rejects list {options.flow}")
    return 0


def _discard(options: argparse.Namespace, store: SqliteStore) -> int:
    from active_data_flow.cli.plain import count, print_json
    from active_data_flow.cli.state import flow_name

    flow = flow_name(options, store)
    number = len(options.ids) if options.ids else sum(group.records for group in store.reject_groups(flow))
    if options.ids:
        _wanted(options, store, flow)
    if number and not options.yes:
        _ask(f"discard {count(number)} rejected records of {flow}? They can't be replayed any more. [y/N] ", options)
    discarded = store.discard(flow, options.ids or None) if number else 0
    if options.json:
        print_json({"flow": flow, "discarded": discarded}, indent=None)
    else:
        print(f"{flow}: {count(discarded)} rejected records discarded")
    return 0


def _ask(question: str, options: argparse.Namespace) -> None:
    again = f"adf rejects discard {options.flow} --yes"
    if not sys.stdin.isatty():
        raise ActionError("there is no terminal to ask on; nothing was discarded", following=again)
    sys.stderr.write(question)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ActionError("nothing was discarded", following=again, code=1)


def _wanted(options: argparse.Namespace, store: SqliteStore, flow: str) -> list[StoredReject]:
    """The records that the arguments name; all, where they name none."""
    ids: list[int] = list(dict.fromkeys(options.ids))
    found = store.rejects(flow, ids=ids or None, limit=max(len(ids), _PAGE))
    missing = set(ids) - {reject.id for reject in found}
    if missing:
        shown = ", ".join(str(number) for number in sorted(missing))
        message = f"flow {flow} has no open rejected record {shown}"
        raise ActionError(message, following=f"adf rejects list {options.flow}")
    return found


def _short(record: Any) -> str:
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def _to_json(reject: StoredReject) -> dict[str, Any]:
    from dataclasses import asdict

    values = asdict(reject)
    del values["arrow"]  # the same record once more, for machines
    return values


def _group_to_json(group: RejectGroup) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(group)


COMMAND = Command(
    name="rejects",
    summary="list, show, replay or discard rejected records",
    description=(
        "Rejected records: those that a flow could not use and has set aside, as\non_error: {reject: true} asks for."
    ),
    examples=_EXAMPLES,
    arguments=_arguments,
    run=_run,
)
