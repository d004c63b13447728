"""A text file that grows: encoded rows, compressed in blocks, at a known length."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from active_data_flow.connectors.file.publish import remove_if_there

TextCompression = Literal["none", "gzip", "zstd", "bz2"]
_BLOCK = 2**20


class TextEncoder(Protocol):
    """Rows as text of one format."""

    @property
    def trailer(self) -> bytes:
        """What stands after the last row."""
        ...

    @property
    def separator(self) -> bytes:
        """What has to stand between the content of a file that someone else wrote and the first row."""
        ...

    def opening(self, schema: pa.Schema) -> bytes:
        """What stands before the first row."""
        ...

    def rows(self, batch: pa.RecordBatch, *, first: bool) -> Iterator[memoryview]:
        """The rows, in order; `first` where no row stands before them."""
        ...


def compressor(compression: TextCompression) -> Callable[[bytes], bytes] | None:
    """A function that compresses a block to a whole member (frame, stream): members may follow each other.

    That is what makes an appended file sound: each block can be read without the ones before it, and a torn one is cut.
    """
    if compression == "none":
        return None
    if compression == "bz2":
        import bz2

        return bz2.compress
    codec = pa.Codec(compression, compression_level={"gzip": 6, "zstd": 3}[compression])
    return lambda block: codec.compress(block, asbytes=True)


class TextFile:
    """An open text file.

    Args:
        path: Where.
        encoder: Makes text of rows.
        compression: How blocks are compressed.
        length: Bytes of content that the file begins with, without trailer; 0 for a new file.
        has_rows: Whether that content has rows.
    """

    def __init__(
        self,
        path: Path,
        encoder: TextEncoder,
        compression: TextCompression,
        *,
        length: int = 0,
        has_rows: bool = False,
    ) -> None:
        self._path = path
        self._encoder = encoder
        self._compress = compressor(compression)
        self._pending: list[bytes | memoryview] = []
        self._pending_bytes = 0
        self.has_rows = has_rows
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self.length = length

    @property
    def size(self) -> int:
        """Bytes in the file so far."""
        return self.length

    @property
    def buffered(self) -> int:
        """Bytes of text that are kept in memory."""
        return self._pending_bytes

    def begin(self, schema: pa.Schema) -> None:
        """Write what stands before the first row, in a file that has no content yet."""
        if not self.length and not self._pending:
            self.put(self._encoder.opening(schema))

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows."""
        self.begin(batch.schema)
        for text in self._encoder.rows(batch, first=not self.has_rows):
            self.put(text)
        self.has_rows = self.has_rows or batch.num_rows > 0

    def put(self, text: bytes | memoryview) -> None:
        """Append text as it is."""
        if not len(text):
            return
        self._pending.append(text)
        self._pending_bytes += len(text)
        if self._compress is None or self._pending_bytes >= _BLOCK:
            self.drain()

    def drain(self) -> None:
        """Write what is kept in memory."""
        if not self._pending:
            return
        block = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        written = block if self._compress is None else self._compress(bytes(block))
        self._write_at(self.length, written)
        self.length += len(written)
        self._pending.clear()
        self._pending_bytes = 0

    def settle(self) -> int:
        """Make everything written durable, with the trailer behind it; the file stays open.

        Returns:
            Length of the content, without trailer.
        """
        self.drain()
        self.cut(self.length)
        return self.length

    def cut(self, length: int) -> None:
        """Make the file end after `length` bytes of content (and the trailer), durably."""
        self._pending.clear()
        self._pending_bytes = 0
        self.length = length
        trailer = self._closed_by(length)
        os.ftruncate(self._open, length)
        self._write_at(length, trailer)
        os.fsync(self._open)

    def finish(self) -> None:
        """Make everything durable and close."""
        self.settle()
        self.close()

    def close(self) -> None:
        """Close without a word about the content."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._pending.clear()

    def abandon(self) -> None:
        """Close and delete."""
        self.close()
        remove_if_there(self._path)

    def __del__(self) -> None:
        if getattr(self, "_descriptor", None) is not None:
            self.close()

    @property
    def _open(self) -> int:
        assert self._descriptor is not None
        return self._descriptor

    def _closed_by(self, length: int) -> bytes:
        return trailer_of(self._encoder, self._compress) if length else b""

    def _write_at(self, offset: int, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._open, rest, offset)
            offset += written
            rest = rest[written:]


def trailer_of(encoder: TextEncoder, compress: Callable[[bytes], bytes] | None) -> bytes:
    """The bytes that close a file with content."""
    if not encoder.trailer or compress is None:
        return encoder.trailer
    return compress(encoder.trailer)


__all__ = ["TextCompression", "TextEncoder", "TextFile", "compressor", "trailer_of"]
