"""Between rows of Python drivers and Arrow: for the drivers that know nothing of Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.client.session import Stream

_CHUNK = 8192

Row = Sequence[Any]


def python_rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """The rows as tuples."""
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


class RowStream(Stream):
    """A result that comes as rows; columns without a given type get that of their first values.

    Args:
        names: Names of the columns.
        types: Types of the columns; None where they follow from the values.
        fetch: Gives that many further rows, fewer at the end.
        close: Gives the result up.
        errors: Turns errors of the driver into ours.
    """

    def __init__(
        self,
        names: Sequence[str],
        types: Sequence[pa.DataType | None],
        fetch: Callable[[int], Sequence[Row]],
        close: Callable[[], object],
        errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._names = list(names)
        self._fetch = fetch
        self._close = close
        self._errors = errors
        self._first = self._rows()
        columns = [_column([row[index] for row in self._first], kind) for index, kind in enumerate(types)]
        self.schema = pa.schema(
            [pa.field(name, _known(column.type)) for name, column in zip(self._names, columns, strict=True)]
        )

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        rows = self._first
        while rows:
            columns = [_column([row[index] for row in rows], field.type) for index, field in enumerate(self.schema)]
            yield pa.record_batch(columns, schema=self.schema)
            rows = self._rows()

    def close(self) -> None:
        """Give the result up."""
        with self._errors():
            self._close()

    def _rows(self) -> Sequence[Row]:
        with self._errors():
            return self._fetch(_CHUNK)


def _known(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_null(kind) else kind


def _column(values: list[Any], kind: pa.DataType | None) -> pa.Array:
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # a column without a declared type may hold anything: SQLite's does
        return pa.array([None if value is None else str(value) for value in values], pa.string()).cast(
            kind or pa.string()
        )


__all__ = ["Row", "RowStream", "python_rows"]
