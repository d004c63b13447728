"""What a flow will do, and whether it could: without reading more than a first look, and without writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.engine.pipeline import Pipeline, pipelines_of
from active_data_flow.engine.preview import first_batches
from active_data_flow.engine.proofs import proof_of

if TYPE_CHECKING:
    import pyarrow as pa

    from active_data_flow.core.component import Component
    from active_data_flow.core.data_flow import DataFlow

_SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class PipelineExplanation:
    """One pipeline, explained.

    Attributes:
        name: Its name; the flow's, where it has just one.
        source: The source in a few words.
        split_notes: Into what splits the source is read, and why not into more.
        transforms: The transforms, in order.
        sink: The sink in a few words.
        schema_in: What is read; None where nothing could be read yet.
        schema_out: What is written; None likewise.
        guarantee: ``exactly-once``, ``effectively-once``, ``at-least-once``.
        why: Why the guarantee is what it is.
        proof: What crash tests have proved of it: a line for source, sink and runtime.
        lanes: Lanes that work at once.
        lanes_note: What limits them.
        problem: Why schemas could not be told, where they couldn't.
        warning: What a second run would do that is hardly wanted, and the remedy; empty where there is nothing.
    """

    name: str
    source: str
    split_notes: list[str]
    transforms: list[str]
    sink: str
    schema_in: pa.Schema | None
    schema_out: pa.Schema | None
    guarantee: str
    why: str
    proof: list[str]
    lanes: int
    lanes_note: str
    problem: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A flow, explained."""

    flow: str
    pipelines: list[PipelineExplanation] = field(default_factory=list[PipelineExplanation])


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One thing that was looked at.

    Attributes:
        component: Which part of the flow.
        ok: Whether it is in order.
        text: What was found, and the remedy where it is not in order.
        warning: Whether it is in order, but hardly wanted.
    """

    component: str
    ok: bool
    text: str
    warning: bool = False


def explain(flow: DataFlow) -> Explanation:
    """The plan of a flow: pipelines, splits, schemas in and out, guarantee and why."""
    return Explanation(flow.name, [_explain(pipeline) for pipeline in pipelines_of(flow)])


def check(flow: DataFlow) -> list[CheckLine]:
    """Look at every part of a flow as far as that goes without reading and writing data."""
    parts: dict[str, Component] = {}
    for kind, components in (("source", flow.all_sources), ("sink", flow.all_sinks)):
        parts |= {f"{kind} {name}".strip(): component for name, component in components.items()}
    lines = [line for name, component in parts.items() for line in _check(name, component)]
    return lines + [line for pipeline in pipelines_of(flow) for line in _check_pipeline(pipeline)]


def _explain(pipeline: Pipeline) -> PipelineExplanation:
    schema_in, schema_out, problem = _schemas(pipeline)
    lanes, note = _lanes(pipeline)
    return PipelineExplanation(
        pipeline.name,
        pipeline.source.describe(),
        pipeline.source.split_notes(),
        _transforms(pipeline.flow),
        pipeline.sink.describe(),
        schema_in,
        schema_out,
        pipeline.guarantee,
        pipeline.why,
        proof_of(pipeline),
        lanes,
        note,
        problem,
        _second_run(pipeline),
    )


def _second_run(pipeline: Pipeline) -> str:
    """A source that reads everything again into a sink that appends: each complete run adds all records once more."""
    read, written = pipeline.source.reads_again(), pipeline.sink.doubles()
    if not read or not written:
        return ""
    return f"each complete run reads everything again and adds it to what is there: {written}; or {read}"


def _schemas(pipeline: Pipeline) -> tuple[pa.Schema | None, pa.Schema | None, str]:
    try:
        for read, written in first_batches(pipeline, _SAMPLE_ROWS):
            return read.data.schema, written.data.schema, ""
    except ActiveDataFlowError as error:
        return None, None, str(error)
    return None, None, "the source has no records yet"


def _transforms(flow: DataFlow) -> list[str]:
    ready_made = ["cast to the flow's schema"] if flow.schema is not None else []
    own = {"transform_batch": flow.transforms_batches, "transform": flow.transforms_messages}
    code = [f"{name} of {type(flow).__name__}" for name, is_there in own.items() if is_there]
    return [*ready_made, *(_one_line(part) for part in flow.transforms), *code]


def _one_line(component: Component) -> str:
    options = ", ".join(f"{name}: {value}" for name, value in component.to_options().items())
    return f"{component.name_in_errors}({options})"


def _lanes(pipeline: Pipeline) -> tuple[int, str]:
    wanted, writers = pipeline.flow.parallelism, pipeline.sink.max_writers
    where = "processes" if pipeline.flow.lanes == "processes" else "threads"
    if writers is not None and writers < wanted:
        return (
            wanted,
            f"{wanted} lanes read and transform in {where}; the sink takes {writers} writer, which they share",
        )
    return wanted, f"{wanted} lane{'s' * (wanted > 1)} in {where}"


def _check(name: str, component: Component) -> list[CheckLine]:
    try:
        lines = component.check()
    except ActiveDataFlowError as error:
        return [CheckLine(name, False, str(error))]
    return [CheckLine(name, True, line) for line in lines or [component.describe()]]


def _check_pipeline(pipeline: Pipeline) -> list[CheckLine]:
    _, schema, problem = _schemas(pipeline)
    warning = _second_run(pipeline)
    return [
        CheckLine("transforms", "no records" in problem, problem)
        if problem
        else CheckLine("transforms", True, f"first records pass; {len(schema or ())} columns come out"),
        *([CheckLine("second run", True, warning, warning=True)] if warning else []),
    ]


__all__ = ["CheckLine", "Explanation", "PipelineExplanation", "check", "explain"]
