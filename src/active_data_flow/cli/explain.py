"""``adf explain``: what a flow will do, which guarantee it has, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from active_data_flow.cli.command import Command, add_flow, add_json, add_verbose

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table

    from active_data_flow.engine.explain import Explanation, PipelineExplanation


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_flow(parser)
    add_json(parser)
    add_verbose(parser)


def _run(options: argparse.Namespace) -> int:
    from active_data_flow.cli.flows import open_flow
    from active_data_flow.cli.output import stdout
    from active_data_flow.cli.plain import print_json
    from active_data_flow.engine.explain import explain

    explanation = explain(open_flow(options))
    if options.json:
        print_json(_to_json(explanation))
        return 0
    console = stdout()
    for pipeline in explanation.pipelines:
        _show(console, pipeline)
    return 0


def _show(console: Console, pipeline: PipelineExplanation) -> None:
    from rich.text import Text

    from active_data_flow.cli.output import GOOD, NOTE, facts

    console.print(Text(pipeline.name, style=GOOD))
    lines: list[tuple[str, Any]] = [
        ("source", pipeline.source),
        ("splits", "\n".join(pipeline.split_notes)),
        ("transforms", "\n".join(pipeline.transforms)),
        ("sink", pipeline.sink),
        ("guarantee", Text(pipeline.guarantee, style="bold")),
        ("why", pipeline.why),
        ("proof", "\n".join(pipeline.proof)),
        ("lanes", pipeline.lanes_note),
        ("second run", Text(pipeline.warning, style=NOTE) if pipeline.warning else ""),
        ("problem", Text(pipeline.problem, style=NOTE) if pipeline.problem else ""),
    ]
    console.print(facts(lines))
    if pipeline.schema_in is not None and pipeline.schema_out is not None:
        console.print(_schemas(pipeline.schema_in, pipeline.schema_out))


def _schemas(read: pa.Schema, written: pa.Schema) -> Table:
    from active_data_flow.cli.output import add_row, table

    shown = table("column", "read", "written")
    names = dict.fromkeys([*read.names, *written.names])
    for name in names:
        add_row(shown, name, _type(read, name) or "· new", _type(written, name) or "· left out")
    return shown


def _type(schema: pa.Schema, name: str) -> str:
    return str(schema.field(name).type) if name in schema.names else ""


def _to_json(explanation: Explanation) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "flow": explanation.flow,
        "pipelines": [
            asdict(pipeline) | {"schema_in": _columns(pipeline.schema_in), "schema_out": _columns(pipeline.schema_out)}
            for pipeline in explanation.pipelines
        ],
    }


def _columns(schema: pa.Schema | None) -> list[dict[str, Any]] | None:
    if schema is None:
        return None
    return [{"name": field.name, "type": str(field.type), "nullable": field.nullable} for field in schema]


COMMAND = Command(
    name="explain",
    summary="show the plan, the schemas and the guarantee, and why",
    description=(
        "Show what a flow will do: splits, transforms, lanes, schema in and out, and\n"
        "which guarantee it has and why. It looks at the first records of the source;\n"
        "nothing is written."
    ),
    examples=(
        ("adf explain flights.yaml", "for people"),
        ("adf explain flows.py:Prices --json", "for programs"),
    ),
    arguments=_arguments,
    run=_run,
)
