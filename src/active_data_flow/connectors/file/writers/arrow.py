"""Arrow IPC files (Feather)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from active_data_flow.connectors.file.publish import remove_if_there, sync_file
from active_data_flow.connectors.file.writers.row_buffer import RowBuffer

_BATCH_ROWS = 65_536
_BATCH_BYTES = 16 * 2**20


class ArrowFile:
    """An open Arrow IPC file; small batches are joined.

    Args:
        path: Where.
        schema: Columns and types.
        compression: ``zstd``, ``lz4`` or ``none``.
        batch_rows: Most rows of a record batch; it is also closed at 16 MiB of memory.
    """

    def __init__(self, path: Path, schema: pa.Schema, compression: str, batch_rows: int | None = None) -> None:
        options = pa.ipc.IpcWriteOptions(
            compression=None if compression == "none" else compression, emit_dictionary_deltas=True
        )
        self._path = path
        self._buffer = RowBuffer(batch_rows or _BATCH_ROWS, _BATCH_BYTES)
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, schema, options=options)

    @property
    def size(self) -> int:
        """Bytes in the file so far."""
        return int(self._file.tell())

    @property
    def buffered(self) -> int:
        """Bytes of rows that wait for their batch."""
        return self._buffer.bytes

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows."""
        self._buffer.fill(batch, self.drain)

    def drain(self) -> None:
        """Write the rows collected as one batch."""
        if self._buffer.rows:
            self._writer.write_table(self._buffer.take().combine_chunks())

    def finish(self) -> None:
        """Write what is left and the footer, make it durable, close."""
        self.drain()
        self._writer.close()
        self._file.close()
        sync_file(self._path)

    def abandon(self) -> None:
        """Close and delete."""
        if not self._file.closed:
            # a footer that can't be written is one that nobody needs
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
            with suppress(OSError):
                self._file.close()
        remove_if_there(self._path)


__all__ = ["ArrowFile"]
