"""Parquet files: row groups encoded in the background, dictionaries only where values repeat."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.publish import remove_if_there, sync_file
from active_data_flow.connectors.file.writers.row_buffer import RowBuffer
from active_data_flow.core.background import Background
from active_data_flow.core.errors import SchemaError
from active_data_flow.core.kernels import pc

ROW_GROUP_ROWS = 122_880
_ROW_GROUP_BYTES = 32 * 2**20
_SAMPLE = 16_384
_REPEATED = 0.2


class ParquetFile:
    """An open Parquet file. The file is created with the first row group, whose values tell how to encode.

    Args:
        path: Where.
        schema: Columns and types.
        compression: Parquet codec.
        row_group_size: Most rows of a row group; it is also closed at 32 MiB of memory.
        background: Where row groups are encoded; the files of a writer share it, so that memory stays bounded.
    """

    def __init__(
        self, path: Path, schema: pa.Schema, compression: str, row_group_size: int | None, background: Background
    ) -> None:
        self._path = path
        self._schema = schema
        self._compression = compression
        self._buffer = RowBuffer(row_group_size or ROW_GROUP_ROWS, _ROW_GROUP_BYTES)
        self._background = background
        self._file: pa.NativeFile | None = None
        self._writer: Any = None
        self._size = 0
        path.touch()

    @property
    def size(self) -> int:
        """Bytes in the file so far."""
        return self._size

    @property
    def buffered(self) -> int:
        """Bytes of rows that wait for their row group."""
        return self._buffer.bytes

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows."""
        self._buffer.fill(batch, self.drain)

    def drain(self) -> None:
        """Close the row group."""
        if self._buffer.rows:
            table = self._buffer.take()
            self._background.start(lambda: self._encode(table))

    def finish(self) -> None:
        """Write what is left and the footer, make it durable, close."""
        self.drain()
        self._background.wait()
        self._close(self._opened(self._schema.empty_table()))
        sync_file(self._path)

    def abandon(self) -> None:
        """Close and delete."""
        with suppress(OSError, pa.ArrowException):
            self._background.wait()
        if self._writer is not None:
            # a footer that can't be written is one that nobody needs
            with suppress(OSError, pa.ArrowException):
                self._close(self._writer)
        remove_if_there(self._path)

    def _encode(self, table: pa.Table) -> None:
        writer = self._opened(table)
        writer.write_table(table, row_group_size=table.num_rows)
        assert self._file is not None
        self._size = self._file.tell()

    def _opened(self, table: pa.Table) -> Any:
        from pyarrow.parquet import ParquetWriter

        if self._writer is None:
            self._path.stat()  # it is there since the start: a newer run has deleted it, which this one must not undo
            self._file = pa.OSFile(str(self._path), "wb")
            dictionaries: Any = repeated_columns(table)
            try:
                self._writer = ParquetWriter(
                    self._file, self._schema, compression=self._compression, use_dictionary=dictionaries
                )
            except pa.ArrowNotImplementedError as error:
                message = f"Parquet can't hold the columns of this data: {error}; cast them, or write another format"
                raise SchemaError(message) from error
        return self._writer

    def _close(self, writer: Any) -> None:
        assert self._file is not None
        try:
            writer.close()
        finally:
            self._file.close()
            self._writer = None


def repeated_columns(table: pa.Table) -> list[str] | bool:
    """Columns whose values repeat, so that a dictionary pays; it costs a third of the time where it doesn't."""
    if not table.num_rows:
        return False
    if any(pa.types.is_nested(field.type) for field in table.schema):
        return True  # pyarrow wants the paths of the leaves: leave it to the file format's own limit
    sample = table.slice(0, _SAMPLE)
    return [name for name, column in zip(sample.schema.names, sample.columns, strict=True) if _repeats(column)]


def _repeats(column: pa.ChunkedArray) -> bool:
    if pa.types.is_dictionary(column.type):
        return True
    if pa.types.is_boolean(column.type):
        return False
    try:
        return pc.count_distinct(column, mode="all").as_py() <= max(1, len(column) * _REPEATED)
    except pa.ArrowNotImplementedError:
        return False


__all__ = ["ROW_GROUP_ROWS", "ParquetFile", "repeated_columns"]
