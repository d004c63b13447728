"""Rows collected until they are worth a row group, and a thread that encodes one while the next is collected."""

from __future__ import annotations

import threading
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


class Background:
    """Does one thing at a time in a thread of its own; Arrow works without the interpreter's lock."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Begin with `work`, once what was begun before is done.

        Raises:
            OSError: What the work before failed with.
        """
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(work,), name="adf-encode", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when nothing is being done any more.

        Raises:
            OSError: What the work failed with.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # raised again where it is waited for
            self._error = error


__all__ = ["Background", "RowBuffer"]
