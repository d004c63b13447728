"""The rows of a split as the driver gives them, in order, from a position on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.conversion import Faults
from active_data_flow.connectors.sql.reading.relation import Relation, Statements
from active_data_flow.connectors.sql.reading.sqlite_values import (
    Mismatch,
    blank_first,
    expected,
    wary_rows,
    wary_select,
)
from active_data_flow.connectors.sql.splits import SqlSplit
from active_data_flow.core.errors import SourceError
from active_data_flow.core.kernels import pc

_PAGE = 65_536
"""Rows asked for at once where a long query would lock writers out."""

Values = Sequence[Any]
Piece = tuple[pa.RecordBatch, Faults, Values | None]
"""Rows, those known to be bad, and the values of the order's columns in the last row."""


class Rows:
    """Reads splits of a relation.

    Args:
        relation: What is read.
        source: The options.
    """

    def __init__(self, relation: Relation, source: SqlSourceConfiguration) -> None:
        self._relation = relation
        self._source = source
        self._session = relation.catalog.session
        self._statements = Statements(relation, source)
        self._sqlite = self._session.dialect == "sqlite" and self._session.address.driver == "adbc"
        self._paged = relation.catalog.paged and bool(relation.order)

    def read(self, split: SqlSplit, after: Values | None, *, nulls: bool) -> Iterator[Piece]:
        """All rows of a split behind a position.

        Args:
            split: The split.
            after: Values of the order's columns in the last row read; with `nulls` without the first.
            nulls: The rows without a key or cursor.
        """
        resumable = split.part != "all" and bool(self._places(nulls=nulls))
        limit = _PAGE if self._paged and resumable else None
        while True:
            count = 0
            try:
                for raw in self._stream(split, after, nulls=nulls, limit=limit):
                    last = self._last(raw, after, nulls=nulls) if resumable else None
                    count += raw.num_rows
                    after = last
                    yield raw, {}, last
            except Mismatch as mismatch:
                if not resumable:
                    message = f"{self._source.name}: {mismatch}; name a key, so that such rows can be set aside"
                    raise SourceError(message, connector="sql") from mismatch
                raw, faults = self._wary(split, after, nulls=nulls)
                if not raw.num_rows:
                    return
                after = self._last(raw, after, nulls=nulls, faults=faults)
                yield raw, faults, after
                continue
            if limit is None or count < limit:
                return

    def _stream(
        self, split: SqlSplit, after: Values | None, *, nulls: bool, limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        statement, bound = self._statements.select(split, after, nulls=nulls, limit=limit)
        if self._sqlite:
            statement = blank_first(statement, self._relation.read, limited=limit is not None)
        batches = self._batches(statement, bound.prepare())
        # in pages everything is fetched, and the lock given back, before the first batch goes on
        for raw in batches if limit is None else list(batches):
            for start in range(0, raw.num_rows, self._source.batch_size):
                yield raw.slice(start, self._source.batch_size)

    def _batches(self, statement: str, values: Values) -> Iterator[pa.RecordBatch]:
        blank = self._sqlite
        try:
            with self._session.stream(statement, values) as stream:
                if self._sqlite and stream.schema.types != expected(self._relation.read):
                    raise Mismatch("a column holds values of several types")
                for raw in stream:
                    yield raw.slice(1) if blank else raw
                    blank = False
        except SourceError as error:
            if self._sqlite and "Type mismatch in column" in error.message:
                raise Mismatch("a column holds values of several types") from error
            raise
        finally:
            self._session.rollback()

    def _wary(self, split: SqlSplit, after: Values | None, *, nulls: bool) -> tuple[pa.RecordBatch, Faults]:
        statement, bound = self._statements.select(split, after, nulls=nulls, limit=self._source.batch_size)
        with self._session.stream(wary_select(statement, len(self._relation.read)), bound.prepare()) as stream:
            tables = pa.Table.from_batches(list(stream), stream.schema)
        return wary_rows(tables, self._relation.read)

    def _places(self, *, nulls: bool) -> list[int]:
        return self._relation.places[1:] if nulls else self._relation.places

    def _last(
        self, raw: pa.RecordBatch, before: Values | None, *, nulls: bool, faults: Faults | None = None
    ) -> list[Any]:
        """Values of the order's columns in the last row; refuses those by which rows can't be told apart."""
        places = self._places(nulls=nulls)
        names = {self._relation.read[place].name for place in places}
        if wrong := next((reason for field, reason in (faults or {}).values() if field in names), None):
            message = f"{self._source.name}: {wrong}; a key's values must be of one type"
            raise SourceError(message, connector="sql")
        columns = [_storage(raw.column(place)) for place in places]
        for place, column in zip(places, columns, strict=True):
            if column.null_count:
                name = f"{self._source.name}: {self._relation.read[place].name}"
                message = f"{name} is NULL in some rows; a tiebreaker can't be"
                raise SourceError(message, connector="sql")
        if not self._relation.order_is_proven:
            self._check_different(columns, before)
        try:
            return [column.slice(len(column) - 1, 1).to_pylist()[0] for column in columns]
        except (OverflowError, UnicodeDecodeError, ValueError) as error:
            message = f"{self._source.name}: the last of {', '.join(sorted(names))} can't be kept as position: {error}"
            raise SourceError(message, connector="sql") from error

    def _check_different(self, columns: list[pa.Array], before: Values | None) -> None:
        first = [column.slice(0, 1).to_pylist()[0] for column in columns]
        same = before is not None and list(before) == first
        if not same and len(columns[0]) > 1:
            equal = pc.equal(columns[0].slice(1), columns[0].slice(0, len(columns[0]) - 1))
            for column in columns[1:]:
                equal = pc.and_(equal, pc.equal(column.slice(1), column.slice(0, len(column) - 1)))
            same = bool(pc.any(equal).as_py())
        if same:
            names = ", ".join(column.name for column in self._relation.order)
            message = (
                f"{self._source.name}: several rows agree in {names}, so that a read can't go on between them; "
                "name column(s) as tiebreaker that tell them apart"
            )
            raise SourceError(message, connector="sql")


def _storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


__all__ = ["Rows"]
