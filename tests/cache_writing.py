"""Writes records by a cache sink without a run around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.cache import CacheSink
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.sink import WriterContext


def written(sink: CacheSink, *batches: Sequence[Mapping[str, Any]] | pa.RecordBatch) -> list[Reject]:
    """Write records, some lists of them or record batches; what was rejected."""
    rejects: list[Reject] = []
    writer = sink.open(WriterContext("prices", reject=rejects.append))
    try:
        for rows in batches:
            data = rows if isinstance(rows, pa.RecordBatch) else pa.RecordBatch.from_pylist([*map(dict, rows)])
            writer.write(Batch(data, "split", 7))
        writer.flush()
    finally:
        writer.close()
    return rejects
