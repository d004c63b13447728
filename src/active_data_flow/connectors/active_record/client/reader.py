"""Reads splits, a page of rows at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record.client.enumerator import plain_key
from active_data_flow.connectors.active_record.client.query import ModelQuery
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.configuration import ActiveRecordSourceConfiguration
from active_data_flow.connectors.active_record.faults import Fault
from active_data_flow.connectors.active_record.splits import ModelSplit, Place
from active_data_flow.core.batch import Batch, Position, Reject
from active_data_flow.core.columns import collector_paused
from active_data_flow.core.errors import ActiveDataFlowError, SourceError
from active_data_flow.source_support.contexts import ReaderContext
from active_data_flow.source_support.reader import Signal, SplitReader

Rows = list[tuple[Any, ...]]


class ModelReader(SplitReader[ModelSplit]):
    """One connection, which reads one split after the other.

    Args:
        context: The engine's side.
        source: The options.
    """

    def __init__(self, context: ReaderContext, source: ActiveRecordSourceConfiguration) -> None:
        super().__init__(context)
        self._source = source
        self._opened: tuple[ModelSession, ModelQuery] | None = None

    def read(self, split: ModelSplit, position: Position) -> Iterator[Batch | Signal]:
        """Batches of a split; the last one is empty and finished, but of a source that follows."""
        try:
            place = Place(*split.resume(position))
            yield from self.look_again(
                lambda: self._look(split, place), follow=self._source.follow, interval=self._source.poll_interval
            )
            empty = pa.RecordBatch.from_pylist([], self._open()[1].schema)
            yield Batch(empty, split.split_id, _position(split, place), finished=True)
        except ActiveDataFlowError as error:
            error.at(connector=self._source.type, split=split.split_id)
            raise

    def close(self) -> None:
        """Give up the split and disconnect."""
        super().close()
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    def _open(self) -> tuple[ModelSession, ModelQuery]:
        if self._opened is None:
            query = ModelQuery(self._source)
            self._opened = ModelSession(query.alias, "source", self._source.timeout), query
        return self._opened

    def _look(self, split: ModelSplit, place: Place) -> Generator[Batch | Signal, None, bool]:
        """Everything that is there now; returns whether that was anything."""
        found = False
        if split.part == "cursor" and self._open()[1].nulls_first:
            for rows, last in self._pages(split, place.nulls_after, nulls=True):
                place.nulls_after, found = last, True
                yield self._batch(rows, split, _position(split, place))
        for rows, last in self._pages(split, place.after, nulls=False):
            place.after, found = last, True
            yield self._batch(rows, split, _position(split, place))
        return found

    def _pages(
        self, split: ModelSplit, after: Sequence[Any] | None, *, nulls: bool
    ) -> Iterator[tuple[Rows, Sequence[Any]]]:
        session, query = self._open()
        low, high = (None, None) if split.part == "cursor" else (split.low, split.high)
        limit = self._source.batch_size
        while True:
            with session.bound(), collector_paused():
                try:
                    rows, last = query.page(after, low, high, nulls=nulls, limit=limit)
                except (ValueError, TypeError, ArithmeticError) as error:
                    behind = "" if after is None else f" behind {', '.join(map(str, after))}"
                    message = f"a row of model {query.label}{behind} can't be read: {type(error).__name__}: {error}"
                    raise SourceError(message, connector="active_record") from error
            if last is None:
                return
            after = [plain_key(value) for value in last]
            yield rows, after
            if len(rows) < limit:
                return

    def _batch(self, rows: Rows, split: ModelSplit, position: Position) -> Batch:
        columns = self._open()[1].columns
        data, faults = columns.batch(rows)

        def reject(row: int, fault: Fault) -> Reject:
            record = columns.shown(rows[row])
            return Reject(record, fault.text, fault.error_type, "read", split.split_id, position, fault.field)

        rejects = tuple(reject(row, fault) for row, fault in sorted(faults.items()))
        return Batch(data, split.split_id, position, rejects=rejects, records_read=len(rows), bytes_read=data.nbytes)


def _position(split: ModelSplit, place: Place) -> Position:
    return split.position(place.after, place.nulls_after)


__all__ = ["ModelReader"]
