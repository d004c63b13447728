"""Records that a parser gave, as Arrow batches of the made table's types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from benchmarks.columns import COLUMNS
from benchmarks.peers.rows import in_parts

SCHEMA = pa.schema(COLUMNS)


def batches_of(records: Iterable[Mapping[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Records by name; texts become values column by column."""
    for part in in_parts(records, 8_192):
        yield batch_of([[record[name] for record in part] for name in COLUMNS])


def batch_of(columns: Iterable[Sequence[Any]]) -> pa.RecordBatch:
    """A batch of columns, which may hold texts or floats in place of their values; an empty text is null."""
    arrays = [_array(values, kind) for values, kind in zip(columns, COLUMNS.values(), strict=True)]
    return pa.record_batch(arrays, schema=SCHEMA)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if isinstance(next(filter(None, values), None), str):
        values = [value or None for value in values]
    elif not pa.types.is_decimal(kind):
        return pa.array(values, kind)
    return pa.array(values).cast(kind)
