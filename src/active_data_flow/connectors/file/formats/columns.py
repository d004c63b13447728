"""From the columns of a file to those of the source: same order and types in every batch, missing ones null."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import SchemaError


def settle(inferred: pa.Schema, declared: pa.Schema) -> pa.Schema:
    """The source's columns: those of the first file with their declared types, then declared ones it doesn't have.

    Args:
        inferred: Columns of the first file.
        declared: Columns that the options give types for.
    """
    here = [declared.field(item.name) if item.name in declared.names else item.with_nullable(True) for item in inferred]
    return pa.schema(here + [item for item in declared if item.name not in inferred.names])


def settled_type(inferred: pa.DataType) -> pa.DataType:
    """The type to settle on where one was inferred: text for a column of nulls, microseconds for timestamps."""
    if pa.types.is_null(inferred):
        return pa.string()
    if pa.types.is_timestamp(inferred):
        return pa.timestamp("us", inferred.tz)
    if pa.types.is_time(inferred):
        return pa.time64("us")
    if pa.types.is_list(inferred):
        return pa.list_(settled_type(inferred.value_type))
    if pa.types.is_struct(inferred):
        return pa.struct([(member.name, settled_type(member.type)) for member in inferred])
    return inferred


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema without dictionaries and without metadata: values are passed on as they are."""
    return pa.schema(
        [
            item.with_type(item.type.value_type if pa.types.is_dictionary(item.type) else item.type).remove_metadata()
            for item in schema
        ]
    )


def require(path: str, present: Sequence[str], columns: pa.Schema) -> None:
    """Refuse a file that lacks a column which may not be null.

    Raises:
        SchemaError: It does; says what the file has.
    """
    missing = [item.name for item in columns if not item.nullable and item.name not in present]
    if missing:
        raise SchemaError(
            f"{path}: the schema wants {', '.join(missing)}, and the file has {', '.join(present)}; "
            "a column that may be missing is declared with a question mark, as int64?"
        )


def arrange(data: pa.RecordBatch, columns: pa.Schema) -> pa.RecordBatch:
    """The rows with these columns, missing ones null, and others behind them; types are as they are in `data`."""
    if data.schema.names == columns.names and data.schema.types == columns.types and _nulls_fit(data, columns):
        return pa.RecordBatch.from_arrays(data.columns, schema=columns)
    rows = data.num_rows
    fields: list[pa.Field] = []
    arrays: list[pa.Array] = []
    for item in columns:
        place = data.schema.get_field_index(item.name)
        array = data.column(place) if place >= 0 else pa.nulls(rows, item.type)
        arrays.append(array)
        fields.append(item.with_type(array.type).with_nullable(item.nullable or array.null_count > 0))
    for item, array in zip(data.schema, data.columns, strict=True):
        if item.name not in columns.names:
            fields.append(item)
            arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _nulls_fit(data: pa.RecordBatch, columns: pa.Schema) -> bool:
    return all(item.nullable or not array.null_count for item, array in zip(columns, data.columns, strict=True))


def cast_columns(data: pa.RecordBatch, columns: pa.Schema, split_id: str) -> Batch:
    """The rows in these types; rows that don't fit become rejects of the batch."""
    if data.schema.equals(columns):
        return Batch(data, split_id, None)
    from active_data_flow.core.schema import cast_batch

    return cast_batch(Batch(data, split_id, None), columns, stage="read", strict_columns=False)


__all__ = ["arrange", "cast_columns", "plain", "require", "settle", "settled_type"]
