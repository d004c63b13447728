"""Runs messages through a flow in the caller's thread: nothing is opened, read, written or kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.columns import data_of, records_of
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError, SchemaError
from active_data_flow.core.near_names import near_names
from active_data_flow.engine.chain import steps_of
from active_data_flow.engine.dead_letter import RejectPolicy
from active_data_flow.engine.preview import transformed

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow

Messages = Iterable[Mapping[str, Any]] | pa.Table | pa.RecordBatch
"""What stands in for a source: mappings, instances of the flow's schema, or Arrow data."""


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that the flow has set aside.

    Attributes:
        record: The record, as it came to the step.
        error: Why.
        error_type: Class name of the error.
        field: The field at fault, where it is one field.
        step: What rejected it: ``schema``, the type of a transform (``cast``), or ``transform``.
        cause: The exception itself, where the step raised one.
    """

    record: Mapping[str, Any] | str
    error: str
    error_type: str
    field: str | None
    step: str
    cause: Exception | None = None


@dataclass(frozen=True, slots=True)
class FlowTestResult:
    """What came of the messages.

    Attributes:
        outputs: The records, each as the sink gets it, in order; of a flow with several sinks, each gets all of them.
        rejects: The records that were set aside, batch by batch in the order of the steps.
        records_read: Messages that were given.
        by_source: Of a flow with several sources, the part of each by its name.
    """

    outputs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rejects: list[RejectedRecord] = field(default_factory=list[RejectedRecord])
    records_read: int = 0
    by_source: Mapping[str, FlowTestResult] = field(default_factory=dict[str, "FlowTestResult"])
    schemas: tuple[pa.Schema, ...] = field(default=(), repr=False)
    """Columns and types of each batch that came out."""

    @property
    def records_written(self) -> int:
        """Records that the sink gets."""
        return len(self.outputs)

    @property
    def records_rejected(self) -> int:
        """Records that were set aside."""
        return len(self.rejects)

    @property
    def schema(self) -> pa.Schema:
        """Columns and types that the sink gets; no columns where it gets no records.

        Raises:
            SchemaError: A column came out with types that don't go together; give the flow an `output_schema`.
        """
        try:
            return pa.unify_schemas(list(self.schemas), promote_options="permissive") if self.schemas else pa.schema([])
        except pa.ArrowException as error:
            raise SchemaError(f"the records that came out differ in their types: {error}") from error


def run_test(flow: DataFlow, messages: Messages | Mapping[str, Messages]) -> FlowTestResult:
    """What the flow makes of these messages; see `DataFlow.test`."""
    parts = {name: _through(flow, name, given) for name, given in _by_source(flow, messages).items()}
    return FlowTestResult(
        outputs=[row for part in parts.values() for row in part.outputs],
        rejects=[reject for part in parts.values() for reject in part.rejects],
        records_read=sum(part.records_read for part in parts.values()),
        by_source=parts,
        schemas=tuple(schema for part in parts.values() for schema in part.schemas),
    )


def _by_source(flow: DataFlow, messages: Messages | Mapping[str, Messages]) -> dict[str, Messages]:
    sources = list(flow.all_sources)
    if sources == [""]:
        if isinstance(messages, Mapping):
            raise ConfigurationError(f"flow {flow.name} has one source: test it with a list of messages")
        return {"": messages}
    if not isinstance(messages, Mapping):
        shown = ", ".join(f"{name!r}: […]" for name in sources)
        raise ConfigurationError(f"flow {flow.name} has several sources: test it with messages by name, {{{shown}}}")
    named = cast("Mapping[str, Messages]", messages)
    for name in named:
        if name not in sources:
            raise ConfigurationError(f"flow {flow.name} has no source {name!r}{near_names(name, sources)}")
    return {name: named.get(name, []) for name in sources}


def _through(flow: DataFlow, source: str, messages: Messages) -> FlowTestResult:
    result, rejects = FlowTestResult(), list[Reject]()
    policy = RejectPolicy(flow.on_error, rejects.append)
    schemas: list[pa.Schema] = []
    read = 0
    try:
        for given, written in transformed(flow, _batches(messages, source or "test")):
            read += given.records_read
            policy.read(given.records_read)
            for reject in written.rejects:
                policy.accept(reject)
            policy.check_share()
            if written.num_rows:
                result.outputs.extend(records_of(written.data, range(written.num_rows)))
                schemas.append(written.data.schema)
    except ActiveDataFlowError as error:
        raise error.at(flow=flow.name) from error.__cause__
    names = steps_of(flow)
    result.rejects.extend(_rejected(reject, names) for reject in rejects)
    return FlowTestResult(result.outputs, result.rejects, read, schemas=tuple(schemas))


def _rejected(reject: Reject, names: Sequence[str]) -> RejectedRecord:
    step = names[reject.passed]
    return RejectedRecord(reject.record, reject.error, reject.error_type, reject.field, step, reject.cause)


def _batches(messages: Messages, split: str) -> Iterator[Batch]:
    done = 0
    for data in _data(messages):
        done += data.num_rows
        yield Batch(data, split, done, records_read=data.num_rows, bytes_read=data.nbytes)


def _data(messages: Messages) -> list[pa.RecordBatch]:
    """One batch; where the types of the messages don't go together, one batch a message."""
    if isinstance(messages, pa.RecordBatch):
        return [messages]
    if isinstance(messages, pa.Table):
        return cast("pa.Table", messages).to_batches()
    records = list(messages)
    for number, record in enumerate(records, 1):
        if not isinstance(record, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # comes from outside
            raise ConfigurationError(f"message {number} is no mapping of names to values (given: {record!r})")
    try:
        return [data_of(records)]
    except pa.ArrowException:
        return [_alone(record, number) for number, record in enumerate(records, 1)]


def _alone(record: Mapping[str, Any], number: int) -> pa.RecordBatch:
    try:
        return data_of([record])
    except pa.ArrowException as error:
        raise ConfigurationError(f"message {number} has a value that Arrow has no type for: {error}") from error


__all__ = ["FlowTestResult", "Messages", "RejectedRecord", "run_test"]
