"""Whether a flow fits its places, as far as that can be told without connecting to any: for checks of a project."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.schema import arrow_schema
from active_data_flow.core.source import Source
from active_data_flow.core.transform import TransformContext
from active_data_flow.engine.chain import first_code


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a flow.

    Attributes:
        component: The part at fault: ``source``, ``sink``, ``transforms``; of several ``sink archive``.
        text: What is wrong, and the remedy.
    """

    component: str
    text: str


def check_columns(flow: DataFlow) -> list[Problem]:
    """What is wrong with a flow that is known without connecting to anything, each part by its `project_faults`.

    The columns that reach a sink are those of `output_schema`; where there is none and the flow has no Python code,
    those of `schema` or of the source, as the ready-made transforms change them; else they are not known.

    Example:
        >>> check_columns(flow)
        [Problem(component='sink', text='model shop.Price has no field for column colour; …')]
    """
    found: list[Problem] = []
    for name, source in flow.all_sources.items():
        part = f"source {name}".strip()
        faults = source.project_faults()
        found += [Problem(part, text) for text in faults]
        schema = None
        if not faults:
            try:
                schema = _schema_after(flow, source)
            except ActiveDataFlowError as error:
                found.append(Problem("transforms", error.message))
        for sink_name, sink in flow.all_sinks.items():
            texts = sink.project_faults(None if schema is None else schema.names, flow.contract)
            found += [Problem(f"sink {sink_name}".strip(), text) for text in texts]
    return list(dict.fromkeys(found))


def _schema_after(flow: DataFlow, source: Source) -> pa.Schema | None:
    """Columns and types of what the flow makes of the source's records; None where that is not known."""
    if flow.output_schema is not None:
        return arrow_schema(flow.output_schema)
    if flow.has_code or first_code(flow) < len(flow.transforms):
        return None
    read = source.static_schema() if flow.schema is None else arrow_schema(flow.schema)
    if read is None:
        return None
    batch = Batch(pa.RecordBatch.from_pylist([], read), "", None)
    for part in flow.transforms:
        with closing(part.open(TransformContext(flow.name))) as step:
            batch = step.apply(batch)
    return batch.data.schema


__all__ = ["Problem", "check_columns"]
