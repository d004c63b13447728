"""Reads splits, a batch at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.client import Address, Session, connect
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.conversion import convert, rejects_of
from active_data_flow.connectors.sql.reading.relation import Relation, look_at
from active_data_flow.connectors.sql.reading.rows import Piece, Rows
from active_data_flow.connectors.sql.splits import Place, SqlSplit
from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.errors import ActiveDataFlowError, SourceError
from active_data_flow.source_support.contexts import ReaderContext
from active_data_flow.source_support.reader import Signal, SplitReader


class SqlReader(SplitReader[SqlSplit]):
    """One connection, which reads one split after the other.

    Args:
        context: The engine's side.
        source: The options.
    """

    def __init__(self, context: ReaderContext, source: SqlSourceConfiguration) -> None:
        super().__init__(context)
        self._source = source
        self._session: Session | None = None
        self._relation: Relation | None = None

    def read(self, split: SqlSplit, position: Position) -> Iterator[Batch | Signal]:
        """Batches of a split; the last one is empty and finished, but of a source that follows."""
        try:
            relation = self._open()
            rows = Rows(relation, self._source)
            if split.part == "cursor":
                yield from self._read_new(rows, relation, split, position)
            else:
                yield from self._read_part(rows, relation, split, position)
        except ActiveDataFlowError as error:
            error.at(connector=self._source.type, split=split.split_id)
            raise

    def close(self) -> None:
        """Give up the split and disconnect."""
        super().close()
        self._relation = None
        if self._session is not None:
            self._session.close()
            self._session = None

    def _open(self) -> Relation:
        if self._relation is None:
            address = Address.parse(self._source.url.resolve(), "source")
            self._session = connect(address, timeout=self._source.timeout, read_only=True)
            self._relation = look_at(self._session, self._source)
        return self._relation

    def _read_part(
        self, rows: Rows, relation: Relation, split: SqlSplit, position: Position
    ) -> Iterator[Batch | Signal]:
        after, _ = split.resume(position)
        for piece in rows.read(split, after, nulls=split.part == "nulls"):
            after = piece[2]
            # rows that can't be told apart have no position: they count when all of them are read
            yield _batch(relation, split, piece, None if after is None else split.position(after))
        yield _end(relation, split, split.position(after))

    def _read_new(
        self, rows: Rows, relation: Relation, split: SqlSplit, position: Position
    ) -> Iterator[Batch | Signal]:
        place = Place(*split.resume(position))
        yield from self.look_again(
            lambda: self._look(rows, relation, split, place),
            follow=self._source.follow,
            interval=self._source.poll_interval,
        )
        yield _end(relation, split, split.position(place.after, place.nulls_after))

    def _look(
        self, rows: Rows, relation: Relation, split: SqlSplit, place: Place
    ) -> Generator[Batch | Signal, None, bool]:
        """Everything that is there now; returns whether that was anything."""
        found = False
        if self._source.cursor_nulls == "read" and relation.order[0].nullable:
            for piece in rows.read(split, place.nulls_after, nulls=True):
                place.nulls_after = self._told_apart(relation, piece[2])
                found = True
                yield _batch(relation, split, piece, split.position(place.after, place.nulls_after))
        for piece in rows.read(split, place.after, nulls=False):
            place.after = piece[2]
            found = True
            yield _batch(relation, split, piece, split.position(place.after, place.nulls_after))
        return found

    def _told_apart(self, relation: Relation, values: Sequence[Any] | None) -> Sequence[Any]:
        if values is None:
            message = (
                f"{self._source.name}: {relation.order[0].name} is NULL in some rows, and no tiebreaker tells "
                "them apart; name one, or leave these rows out with cursor_nulls: skip"
            )
            raise SourceError(message, connector=self._source.type)
        return values


def _batch(relation: Relation, split: SqlSplit, piece: Piece, position: Position) -> Batch:
    raw, known, _ = piece
    data, faults = convert(raw, relation.columns, relation.schema, known)
    rejects = rejects_of(raw, relation.columns, faults, split.split_id, position) if faults else ()
    return Batch(data, split.split_id, position, rejects=rejects, records_read=raw.num_rows, bytes_read=data.nbytes)


def _end(relation: Relation, split: SqlSplit, position: Position) -> Batch:
    return Batch(pa.RecordBatch.from_pylist([], relation.schema), split.split_id, position, finished=True)


__all__ = ["SqlReader"]
