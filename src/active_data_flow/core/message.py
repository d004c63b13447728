"""Records as user code sees them: messages over the rows of a batch, and batches made of messages."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.columns import Columns, UnknownFieldError
from active_data_flow.core.mapper import MessageFunction, MessageMapper
from active_data_flow.core.row import Message, Metadata, Origin, Typed, Untyped, rows_of


def messages_of(batch: Batch, *, schema: type[Typed] | None = None, source: str = "") -> Iterator[Message]:
    """A message for each row of a batch, in order.

    Args:
        batch: The batch; rejects are not among the messages.
        schema: A `Schema` class that the messages shall be of; None: `Untyped`.
        source: Name of the source, for the messages' metadata.

    Example:
        >>> batch = Batch(pa.RecordBatch.from_pylist([{"sku": "a1"}]), "prices.csv", 0)
        >>> [message["sku"] for message in messages_of(batch)]
        ['a1']
    """
    return rows_of(Columns(batch.data, Origin(batch, source)), schema or Untyped)


def map_messages(
    batch: Batch,
    function: MessageFunction,
    *,
    schema: type[Typed] | None = None,
    output_schema: pa.Schema | None = None,
) -> Batch:
    """One batch through a function on messages; for several batches see `MessageMapper`, which keeps types stable."""
    return MessageMapper(function, schema=schema, output_schema=output_schema).map(batch)


__all__ = [
    "Message",
    "MessageFunction",
    "MessageMapper",
    "Metadata",
    "Typed",
    "UnknownFieldError",
    "Untyped",
    "map_messages",
    "messages_of",
]
