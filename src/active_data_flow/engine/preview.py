"""The first rows of a flow, after its transforms; nothing is written, no checkpoint is touched."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.engine.chain import own_code, ready_made
from active_data_flow.engine.pipeline import Pipeline, pipelines_of
from active_data_flow.source_support.direct import read_batches

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow

_MAX_ROWS_LOOKED_AT = 1_000_000


@dataclass(frozen=True, slots=True)
class Preview:
    """First rows of a pipeline.

    Attributes:
        pipeline: Its name.
        schema: Columns and types after the transforms.
        table: The rows.
        rejects: Records that were rejected on the way.
        rows_read: Records that were read to get the rows.
        timed_out: Whether the time was over before there were as many rows as wanted.
    """

    pipeline: str
    schema: pa.Schema
    table: pa.Table
    rejects: list[Reject] = field(default_factory=list[Reject])
    rows_read: int = 0
    timed_out: bool = False


def preview(flow: DataFlow, rows: int = 10, *, seconds: float = math.inf) -> list[Preview]:
    """First rows of each of the flow's pipelines.

    Args:
        flow: The flow.
        rows: How many rows; fewer where the source has fewer, or drops most of a million records.
        seconds: Time for all of them; when it is over, no further batch is read.
    """
    end = time.monotonic() + seconds
    return [_preview(pipeline, rows, end) for pipeline in pipelines_of(flow)]


def first_batches(pipeline: Pipeline, rows: int, end: float = math.inf) -> Iterator[tuple[Batch, Batch]]:
    """Batches as they are read and as they would be written, until `rows` rows have come out, or the time is over."""
    out = looked_at = 0
    with closing(read_batches(pipeline.source)) as batches:  # pyright: ignore[reportArgumentType]  # it is a generator
        some = (batch for batch in batches if batch.num_rows or batch.rejects)
        for batch, written in transformed(pipeline.flow, some):
            yield batch, written
            out += written.num_rows
            looked_at += batch.records_read
            if out >= rows or looked_at >= _MAX_ROWS_LOOKED_AT or time.monotonic() >= end:
                return


def transformed(flow: DataFlow, batches: Iterable[Batch]) -> Iterator[tuple[Batch, Batch]]:
    """Batches as they are given and as they would be written, in this thread."""
    with closing(ready_made(flow, 0)) as ready, closing(own_code(flow, 0)) as own:
        for batch in batches:
            yield batch, own.apply(ready.apply(batch))


def _preview(pipeline: Pipeline, rows: int, end: float) -> Preview:
    tables: list[pa.Table] = []
    rejects: list[Reject] = []
    read = 0
    for batch, written in first_batches(pipeline, rows, end):
        tables.append(pa.Table.from_batches([written.data]))
        rejects.extend(written.rejects)
        read += batch.records_read
    table = pa.concat_tables(tables, promote_options="permissive").slice(0, rows) if tables else pa.table({})
    timed_out = table.num_rows < rows and time.monotonic() >= end
    return Preview(pipeline.name, table.schema, table, rejects, read, timed_out)


__all__ = ["Preview", "first_batches", "preview", "transformed"]
