"""Rows as a database's driver gives them, made into the types of the schema; rows that don't fit are set aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.reading.catalog import Column
from active_data_flow.core.batch import Position, Reject
from active_data_flow.core.kernels import pc

_DAYS = (-719_162, 2_932_896)  # of years 1 to 9999, as days since 1970
_SECONDS_A_DAY = 86_400
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

Faults = dict[int, tuple[str, str]]
"""Row -> (field, why it does not fit)."""


def convert(
    raw: pa.RecordBatch, columns: Sequence[Column], schema: pa.Schema, faults: Faults | None = None
) -> tuple[pa.RecordBatch, Faults]:
    """Columns in the types of the schema, without the rows that don't fit.

    Args:
        raw: The driver's rows; columns beyond `columns` are left out.
        columns: The columns.
        schema: Their names and types.
        faults: Rows known to be bad, with their reasons.

    Returns:
        The good rows, and all faults.
    """
    faults = {} if faults is None else faults
    arrays = [_column(_storage(raw.column(index)), column, faults) for index, column in enumerate(columns)]
    data = pa.record_batch(arrays, schema=schema)
    if faults:
        data = data.filter(pa.array([row not in faults for row in range(raw.num_rows)], pa.bool_()))
    return data, faults


def rejects_of(
    raw: pa.RecordBatch, columns: Sequence[Column], faults: Faults, split_id: str, position: Position
) -> tuple[Reject, ...]:
    """The rows that don't fit, as they are in the database."""
    found: list[Reject] = []
    for row, (field, reason) in sorted(faults.items()):
        values = [_storage(raw.column(index)).slice(row, 1) for index in range(len(columns))]
        record = {column.name: _shown(value) for column, value in zip(columns, values, strict=True)}
        found.append(Reject(record, reason, "RecordError", "read", split_id, position, field))
    return tuple(found)


def _storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _shown(value: pa.Array) -> Any:
    try:
        return value.to_pylist()[0]
    except UnicodeDecodeError:
        return value.cast(pa.binary()).to_pylist()[0].decode(errors="backslashreplace")
    except (ValueError, OverflowError):
        return "infinity"  # or a year that Python doesn't have


def _column(array: pa.Array, column: Column, faults: Faults) -> pa.Array:
    try:
        _check(array, column.type)
        return _cast(array, column.type)
    except (pa.ArrowException, UnicodeDecodeError):
        return _one_by_one(array, column, faults)


def _one_by_one(array: pa.Array, column: Column, faults: Faults) -> pa.Array:
    values: list[pa.Array] = []
    for row in range(len(array)):
        value = array.slice(row, 1)
        try:
            _check(value, column.type)
            values.append(_cast(value, column.type))
        except (pa.ArrowException, UnicodeDecodeError) as error:
            reason = f"{column.name}: {_reason(value, column.type, error)}"
            faults.setdefault(row, (column.name, reason))
            values.append(pa.nulls(1, column.type))
    return pa.concat_arrays(values)


def _reason(value: pa.Array, kind: pa.DataType, error: Exception) -> str:
    if pa.types.is_string(kind):
        return f"is no valid UTF-8: {error}"
    return f"{_shown(value)!r} is no {kind}; cast the column in a query to read it differently"


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    if pa.types.is_timestamp(kind) and kind.tz and pa.types.is_string(array.type):
        try:
            return pc.cast(array, kind)
        except pa.ArrowInvalid:  # without a zone they are in UTC
            return pc.cast(pc.cast(array, pa.timestamp(kind.unit)), kind)
    if pa.types.is_time(kind) and pa.types.is_string(array.type):  # Arrow parses no times, but timestamps
        stamps = pc.binary_join_element_wise("1970-01-01", array, " ")
        return pc.cast(pc.cast(stamps, pa.timestamp("us")), kind)
    if pa.types.is_list(kind) and pa.types.is_list(array.type):
        return pa.ListArray.from_arrays(
            _offsets(array), _cast(_storage(array.flatten()), kind.value_type), mask=array.is_null()
        )
    return pc.cast(array, kind)


def _offsets(array: pa.ListArray) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    return pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)]).cast(pa.int32())


def _check(array: pa.Array, kind: pa.DataType) -> None:
    """Refuse what the cast would let pass."""
    if not len(array):
        return
    if pa.types.is_boolean(kind) and not pa.types.is_boolean(array.type):
        _within(array, 0, 1)
    elif pa.types.is_string(kind):
        array.validate(full=True)
    elif pa.types.is_date(array.type):
        _within(array.cast(pa.int32()), *_DAYS)
    elif pa.types.is_timestamp(array.type):
        unit = _UNITS[array.type.unit] * _SECONDS_A_DAY
        _within(array.cast(pa.int64()), _DAYS[0] * unit, (_DAYS[1] + 1) * unit - 1)


def _within(array: pa.Array, low: int, high: int) -> None:
    limits = pc.min_max(array).as_py()
    if limits["min"] is not None and (limits["min"] < low or limits["max"] > high):
        raise pa.ArrowInvalid("out of range")


__all__ = ["Faults", "convert", "rejects_of"]
