"""A flow's transforms, open: what happens to a batch between reading and writing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.cast import cast_batch
from active_data_flow.core.errors import ActiveDataFlowError, TransformError
from active_data_flow.core.message import MessageMapper
from active_data_flow.core.schema import Schema, arrow_schema
from active_data_flow.core.transform import Step, TransformContext

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow


class Chain:
    """Steps applied one after the other; used by one thread at a time.

    Args:
        steps: Name and step, in order.
        first: Number of the first of them among all steps of the flow.
    """

    def __init__(self, steps: Sequence[tuple[str, Step]], first: int = 0) -> None:
        self._steps = steps
        self._first = first

    def apply(self, batch: Batch) -> Batch:
        """The batch after all steps that it has not been through already.

        Raises:
            TransformError: A step failed as a whole; names the step.
        """
        for number, (name, step) in enumerate(self._steps, self._first):
            if not batch.num_rows:
                break
            if number < batch.passed:
                continue
            try:
                batch = _numbered(step.apply(batch), len(batch.rejects), number)
            except ActiveDataFlowError as error:
                raise error.at(connector=name, split=batch.split_id) from error.__cause__
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
                raise TransformError(message, connector=name, split=batch.split_id) from error
        return batch

    def committed(self) -> None:
        """Tell all steps that what they did is committed."""
        for _, step in self._steps:
            step.committed()

    def close(self) -> None:
        """Close all steps."""
        for _, step in self._steps:
            step.close()


def _numbered(batch: Batch, before: int, passed: int) -> Batch:
    """The batch with the number of the step on the rejects that the step has added."""
    if len(batch.rejects) == before:
        return batch
    added = tuple(replace(reject, passed=passed) for reject in batch.rejects[before:])
    return replace(batch, rejects=batch.rejects[:before] + added)


class CastStep(Step):
    """Casts what was read to the flow's declared schema."""

    def __init__(self, flow: DataFlow, schema: pa.Schema) -> None:
        self._schema = schema
        self._drift = flow.contract.type

    def apply(self, batch: Batch) -> Batch:
        """The batch with the declared types; rows that don't fit are rejects."""
        return cast_batch(batch, self._schema, drift=self._drift)


class MessageStep(Step):
    """The flow's own `transform`, message by message."""

    def __init__(self, flow: DataFlow) -> None:
        schema = flow.schema if isinstance(flow.schema, type) and issubclass(flow.schema, Schema) else None
        output = None if flow.output_schema is None else arrow_schema(flow.output_schema)
        self._mapper = MessageMapper(flow.transform, schema=schema, output_schema=output)

    def apply(self, batch: Batch) -> Batch:
        """The batch of what `transform` returned; messages on which it raised are rejects."""
        return self._mapper.map(batch)


class BatchStep(Step):
    """The flow's own `transform_batch`."""

    def __init__(self, flow: DataFlow) -> None:
        self._flow = flow

    def apply(self, batch: Batch) -> Batch:
        """The batch that `transform_batch` returned."""
        data = self._flow.transform_batch(batch.data)
        if not isinstance(data, pa.RecordBatch):
            message = f"transform_batch of {self._flow.name} returned {type(data).__name__}, not a pyarrow.RecordBatch"
            raise TransformError(message)
        return batch.with_data(data)


def ready_made(flow: DataFlow, lane: int) -> Chain:
    """The cast to the declared schema and the ready-made transforms that are no Python code."""
    context = TransformContext(flow.name, lane)
    steps: list[tuple[str, Step]] = []
    if flow.schema is not None:
        steps.append(("schema", CastStep(flow, arrow_schema(flow.schema))))
    first = first_code(flow)
    steps.extend((part.name_in_errors, part.open(context)) for part in flow.transforms[:first])
    return Chain(steps)


def own_code(flow: DataFlow, lane: int) -> Chain:
    """Everything from the first piece of Python code on: what lanes in processes take over."""
    context = TransformContext(flow.name, lane)
    steps = [(part.name_in_errors, part.open(context)) for part in flow.transforms[first_code(flow) :]]
    if flow.transforms_batches:
        steps.append(("transform_batch", BatchStep(flow)))
    if flow.transforms_messages:
        steps.append(("transform", MessageStep(flow)))
    return Chain(steps, (flow.schema is not None) + first_code(flow))


def steps_of(flow: DataFlow) -> list[str]:
    """Names of the steps that a record goes through between reading and writing, in order."""
    own = {"transform_batch": flow.transforms_batches, "transform": flow.transforms_messages}
    return [
        *(["schema"] if flow.schema is not None else []),
        *(part.name_in_errors for part in flow.transforms),
        *(name for name, is_there in own.items() if is_there),
    ]


def number_of_steps(flow: DataFlow) -> int:
    """Steps that a record of the flow goes through between reading and writing."""
    return len(steps_of(flow))


def first_code(flow: DataFlow) -> int:
    """Index of the first transform that is Python code; the number of transforms where none is."""
    return next((index for index, part in enumerate(flow.transforms) if part.python_code), len(flow.transforms))


__all__ = ["Chain", "number_of_steps", "own_code", "ready_made", "steps_of"]
