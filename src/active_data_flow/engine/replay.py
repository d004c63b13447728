"""Runs rejected records through their flow again, after a fix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import ConfigDict

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.cast import cast_batch
from active_data_flow.core.errors import ExecutionError
from active_data_flow.core.events import Events
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.engine.pipeline import Pipeline, pipelines_of
from active_data_flow.engine.stores.records import RejectStore, StoredReject
from active_data_flow.source_support import (
    EnumeratorContext,
    PendingSplits,
    ReaderContext,
    Signal,
    SplitReader,
    SplitSerializer,
    SplitSource,
)

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow

_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class RejectSplit:
    """One rejected record: committed by itself, so that a killed replay doubles nothing."""

    number: int

    @property
    def split_id(self) -> str:
        """The record's id."""
        return f"reject-{self.number}"


class _Enumerator(PendingSplits[RejectSplit]):
    def __init__(self, context: EnumeratorContext[RejectSplit], numbers: Sequence[int]) -> None:
        super().__init__(context)
        self._numbers = numbers

    def find(self) -> Iterable[RejectSplit]:
        return [RejectSplit(number) for number in self._numbers]


class _Reader(SplitReader[RejectSplit]):
    def __init__(self, context: ReaderContext, source: RejectSource) -> None:
        super().__init__(context)
        self._records = source.records
        self._types = source.types

    def read(self, split: RejectSplit, position: Position) -> Iterator[Batch | Signal]:
        reject = self._records[split.number]
        data = reject.to_batch()
        batch = Batch(
            data, split.split_id, 1, finished=True, records_read=1, bytes_read=data.nbytes, passed=reject.passed
        )
        yield batch if self._types is None or reject.stage != "read" else cast_batch(batch, self._types, stage="read")


class RejectSource(SplitSource):
    """The rejected records of a pipeline as a source."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    records: dict[int, StoredReject]
    types: pa.Schema | None = None
    """Columns as the source reads them now; what it could not read was kept as the texts that it saw."""

    def create_enumerator(self, context: EnumeratorContext[Any]) -> _Enumerator:
        """One split a record."""
        return _Enumerator(context, sorted(self.records))

    def create_reader(self, context: ReaderContext) -> _Reader:
        """Gives each record as a batch of one."""
        return _Reader(context, self)

    def split_serializer(self) -> SplitSerializer[Any]:
        """The record's id."""
        return SplitSerializer(lambda split: {"number": split.number}, lambda value: RejectSplit(value["number"]))


def replay(flow: DataFlow, store: RejectStore, ids: Sequence[int] | None = None) -> RunResult:
    """Run open rejected records through the flow again, with its positions left alone.

    Each goes on where it was rejected: it is not put again through steps that it has passed, so that one which the
    sink refused goes to the sink as it was. Of a flow without a schema, what the source could not read is read as the
    types that the source has now, for which it is looked at. Those that pass, or are rejected anew, are marked as
    replayed; a new rejection is a new entry.

    Args:
        flow: The flow, fixed.
        store: Where the records are.
        ids: Which; None: all that are open.

    Raises:
        ExecutionError: There is nothing to replay, or a record is raw text that its source could not parse.
        ActiveDataFlowError: The replay failed; what it committed is not replayed again.
    """
    with store.acquire(flow.name):
        found = store.rejects(flow.name, ids=ids, limit=_PAGE)
        pipelines = [_pipeline(pipeline, found) for pipeline in pipelines_of(flow)]
        pipelines = [pipeline for pipeline in pipelines if pipeline is not None]
        if not pipelines:
            raise ExecutionError(_nothing(flow, found), flow=flow.name)
        coordinator = Coordinator(flow, store, Events(), Stop(), pipelines=pipelines)
        try:
            return coordinator.run(Budget())
        finally:
            _mark(flow, store, pipelines)


def _pipeline(pipeline: Pipeline, found: Sequence[StoredReject]) -> Pipeline | None:
    mine = [reject for reject in found if reject.flow in (pipeline.name, f"{pipeline.name}/replay")]
    records = {reject.id: reject for reject in mine if isinstance(reject.record, dict)}
    if not records:
        return None
    unread = any(reject.stage == "read" for reject in records.values())
    types = pipeline.source.arrow_schema() if unread and pipeline.flow.schema is None else None
    return Pipeline(pipeline.flow, f"{pipeline.name}/replay", RejectSource(records=records, types=types), pipeline.sink)


def _mark(flow: DataFlow, store: RejectStore, pipelines: Sequence[Pipeline]) -> None:
    for pipeline in pipelines:
        checkpoint = pipeline.sink.positions(pipeline.name) or store.load(pipeline.name)
        splits = {} if checkpoint is None else checkpoint.splits
        done = [state.split["number"] for state in splits.values() if state.finished]
        store.mark_rejects(flow.name, "replayed", done)


def _nothing(flow: DataFlow, found: Sequence[StoredReject]) -> str:
    if not found:
        return f"flow {flow.name} has no open rejected records to replay"
    return (
        f"the {len(found)} open rejected records of {flow.name} are text that could not be parsed: put them, corrected,"
        " into a new file that the source reads, run the flow, and discard them here"
    )


__all__ = ["RejectSource", "replay"]
