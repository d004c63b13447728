"""Rows collected until they are worth a row group."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa


class RowBuffer:
    """Collects batches.

    Args:
        rows: Full with this many rows,
        size: or with this many bytes.
    """

    def __init__(self, rows: int, size: int) -> None:
        self._rows_wanted = rows
        self._size_wanted = size
        self._batches: list[pa.RecordBatch] = []
        self.rows = 0
        self.bytes = 0

    @property
    def full(self) -> bool:
        """Whether it holds a row group."""
        return self.rows >= self._rows_wanted or self.bytes >= self._size_wanted

    @property
    def room(self) -> int:
        """Rows until it is full."""
        return self._rows_wanted - self.rows

    def fill(self, batch: pa.RecordBatch, drain: Callable[[], None]) -> None:
        """Take the rows of a batch, and have the buffer drained whenever it is full."""
        start = 0
        while start < batch.num_rows:
            piece = batch.slice(start, self.room)
            self._batches.append(piece)
            self.rows += piece.num_rows
            self.bytes += piece.nbytes
            start += piece.num_rows
            if self.full:
                drain()

    def take(self) -> pa.Table:
        """Everything collected; the buffer is empty then."""
        table = pa.Table.from_batches(self._batches)
        self._batches = []
        self.rows = self.bytes = 0
        return table


__all__ = ["RowBuffer"]
