"""Rows split by the values of partition columns, vectorised: Python sees each distinct value once, not each row."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from active_data_flow.core.errors import SchemaError
from active_data_flow.core.kernels import pc

NULL = "__HIVE_DEFAULT_PARTITION__"


def split_by_partition(batch: pa.RecordBatch, columns: Sequence[str]) -> list[tuple[str, pa.RecordBatch]]:
    """The rows of each partition, in their order, without the partition columns.

    Returns:
        Folder as ``country=NO/year=2013`` (values URL-encoded, null as ``__HIVE_DEFAULT_PARTITION__``) and rows.

    Raises:
        SchemaError: A partition column is missing or has no values that a folder can be named after, or no other
            column is left.
    """
    _check(batch.schema, columns)
    rest = batch.select([name for name in batch.schema.names if name not in columns])
    if not batch.num_rows:
        return []
    codes = np.zeros(batch.num_rows, np.int64)
    folders: list[str] = [""]
    for name in columns:
        indices, names = _coded(name, batch.column(name))
        codes, folders = _combined(codes * len(names) + indices, folders, names)
    if len(folders) == 1:
        return [(folders[0], rest)]
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(folders)))
    rows = rest.take(pa.array(order))
    starts = [0, *ends[:-1].tolist()]
    return [(folder, rows.slice(start, end - start)) for folder, start, end in zip(folders, starts, ends, strict=True)]


def _coded(name: str, column: pa.Array) -> tuple[np.ndarray, list[str]]:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    values = pc.cast(encoded.dictionary, pa.string()).to_pylist()
    names = [f"{quote(name, safe='')}={NULL if value is None else quote(value, safe='')}" for value in [*values, None]]
    return np.asarray(pc.fill_null(pc.cast(encoded.indices, pa.int64()), len(values))), names


def _combined(codes: np.ndarray, folders: list[str], names: list[str]) -> tuple[np.ndarray, list[str]]:
    present, dense = np.unique(codes, return_inverse=True)
    combined = [
        "/".join(part for part in (folders[code // len(names)], names[code % len(names)]) if part)
        for code in present.tolist()
    ]
    return dense, combined


def _check(schema: pa.Schema, columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in schema.names]
    if missing:
        message = f"partition_by names {', '.join(missing)}, but the data has the columns {', '.join(schema.names)}"
        raise SchemaError(message)
    nested = [name for name in columns if pa.types.is_nested(schema.field(name).type)]
    if nested:
        message = f"partition_by: {', '.join(nested)} has nested values, after which no folder can be named"
        raise SchemaError(message)
    if len(columns) == len(schema.names):
        raise SchemaError("partition_by names all columns of the data; at least one must be left for the files")


__all__ = ["NULL", "split_by_partition"]
