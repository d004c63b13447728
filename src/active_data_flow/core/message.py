"""Messages over batches."""

from __future__ import annotations
from collections.abc import Callable, Iterator
from typing import Any
import pyarrow as pa
from active_data_flow.core.batch import Batch
from active_data_flow.core.columns import Columns
from active_data_flow.core.row import Message, Metadata, Origin, Typed, Untyped, rows_of


def messages_of(batch: Batch, *, schema: type[Typed] | None = None, source: str = "") -> Iterator[Message]:
    return rows_of(Columns(batch.data, Origin(batch, source)), schema or Untyped)


class MessageMapper:
    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        schema: type[Typed] | None = None,
        output_schema: pa.Schema | None = None,
        source: str = "",
    ) -> None:
        self.f = function
        self.s = schema
        self.o = output_schema

    def map(self, batch: Batch) -> Batch:
        out = []
        for m in messages_of(batch, schema=self.s):
            r = self.f(m)
            if r is None:
                continue
            for x in r if isinstance(r, (list,)) else [r]:
                out.append(dict(x))
        return batch.with_data(pa.RecordBatch.from_pylist(out, schema=self.o))


def map_messages(batch, function, *, schema=None, output_schema=None):
    return MessageMapper(function, schema=schema, output_schema=output_schema).map(batch)
