"""A sink of models under test: rows in, rejects and the model's rows out."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record import ActiveRecordSink
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint, SplitState
from active_data_flow.core.policies import SchemaContract
from active_data_flow.core.sink import WriterContext

FLOW = "prices"


def write(
    sink: ActiveRecordSink,
    *batches: pa.RecordBatch | Sequence[Mapping[str, Any]],
    contract: SchemaContract | None = None,
) -> list[Reject]:
    """Write and commit batches as a run does; what was rejected."""
    rejects: list[Reject] = []
    context = WriterContext(FLOW, contract=contract or SchemaContract(), reject=rejects.append)
    with contextlib.closing(sink.open(context)) as writer:
        restored = writer.restore()
        for number, rows in enumerate(batches):
            data = rows if isinstance(rows, pa.RecordBatch) else pa.RecordBatch.from_pylist([dict(row) for row in rows])
            writer.write(Batch(data, "s", number))
        epoch = 1 if restored is None else restored.epoch
        writer.commit(Checkpoint(epoch, {"s": SplitState({"id": "s"}, len(batches))}))
    return rejects


def reasons(rejects: Sequence[Reject]) -> list[tuple[str | None, str]]:
    return [(reject.field, reject.error) for reject in rejects]


__all__ = ["FLOW", "reasons", "write"]
