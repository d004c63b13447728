"""Rows collected until they are worth a row group, and a thread that encodes one while the next is collected."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

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


class Background:
    """Does one thing at a time in a thread of its own; Arrow works without the interpreter's lock."""

    def __init__(self) -> None:
        # one thread for all: each new one would get memory of its own, which the allocators keep
        self._thread = ThreadPoolExecutor(1, "adf-encode")
        self._work: Future[None] | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin with `work`, once what was begun before is done.

        Raises:
            OSError: What the work before failed with.
        """
        self.wait()
        self._work = self._thread.submit(work)

    def wait(self) -> None:
        """Return when nothing is being done any more.

        Raises:
            OSError: What the work failed with.
        """
        work, self._work = self._work, None
        if work is not None:
            work.result()


__all__ = ["Background", "RowBuffer"]
