"""SQLite's values have types of their own, whatever their column declares; Arrow's columns have one.

The driver takes a column's type from its first rows and fails where a later value has another. A first row of blanks
fixes the types; where the driver fails nevertheless, a block of rows is read warily: each value as text with its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.reading.catalog import Column
from active_data_flow.connectors.sql.reading.conversion import Faults

_BLANK = {"integer": "0", "real": "0.0", "text": "''", "blob": "x''"}
_ARROW: dict[str, pa.DataType] = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary()}
_READ = {"integer": int, "real": float, "text": bytes.fromhex, "blob": bytes.fromhex}


class Mismatch(Exception):  # noqa: N818  # no failure: the rows are read in another way
    """A column holds values of several types."""


def expected(columns: Sequence[Column]) -> list[pa.DataType]:
    """The types that a result has where every value is of its column's type."""
    return [_ARROW[column.stored] for column in columns]


def blank_first(statement: str, columns: Sequence[Column], *, limited: bool) -> str:
    """The statement with a row of blanks before its own."""
    blanks = ", ".join(f"{_BLANK[column.stored]} AS c{index}" for index, column in enumerate(columns))
    # only the order of a limited subquery counts
    return f"SELECT {blanks} UNION ALL SELECT * FROM ({statement}{'' if limited else ' LIMIT -1'})"  # noqa: S608  # made here


def wary_select(statement: str, columns: int) -> str:
    """The statement with each value as text, and its type before it."""
    values = ", ".join(
        f"typeof(c{i}) AS t{i}, CASE typeof(c{i}) WHEN 'integer' THEN CAST(c{i} AS TEXT) "
        f"WHEN 'real' THEN printf('%!.17g', c{i}) ELSE hex(c{i}) END AS v{i}"
        for i in range(columns)
    )
    return f"SELECT {values} FROM ({statement})"  # noqa: S608  # made here


def wary_rows(result: pa.Table, columns: Sequence[Column]) -> tuple[pa.RecordBatch, Faults]:
    """The rows of a wary statement in the types of their columns; what does not fit is NULL and a fault."""
    faults: Faults = {}
    arrays: list[pa.Array] = []
    for index, column in enumerate(columns):
        kinds = result.column(2 * index).to_pylist()
        texts = result.column(2 * index + 1).to_pylist()
        values = [
            _value(row, kind, text, column, faults) for row, (kind, text) in enumerate(zip(kinds, texts, strict=True))
        ]
        arrays.append(pa.array(values, _ARROW[column.stored]))
    return pa.record_batch(arrays, [f"c{index}" for index in range(len(columns))]), faults


def _value(row: int, kind: str, text: Any, column: Column, faults: Faults) -> Any:
    if kind == "null":
        return None
    value = _READ[kind](text)
    if kind == column.stored == "integer" or (column.stored == "blob" and isinstance(value, bytes)):
        return value
    if column.stored == "real" and isinstance(value, int | float):
        return float(value)
    if column.stored == "text" and isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            faults.setdefault(row, (column.name, f"{column.name}: is no valid UTF-8: {error}"))
            return None
    shown = value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
    reason = f"{column.name}: {shown!r} is stored as {kind}, where {column.type} is read as {column.stored}"
    faults.setdefault(row, (column.name, reason))
    return None


__all__ = ["Mismatch", "blank_first", "expected", "wary_rows", "wary_select"]
