"""The text of a file as UTF-8 bytes, from any compression and encoding, from any position."""

from __future__ import annotations

import codecs
from typing import Any, BinaryIO

from active_data_flow.connectors.file.client import FileClient
from active_data_flow.connectors.file.configuration import Compression, FileSourceConfiguration
from active_data_flow.core.errors import SourceError

_ENDINGS: dict[str, Compression] = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2"}
_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
_WIDE = {
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
}
_SKIP = 2**20
_STEP = 2**14
_TAIL = 2**12


class ByteStream:
    """Text of a file as UTF-8 bytes.

    Attributes:
        origin: Where the text begins: behind the byte order mark.
        plain: Whether the bytes are those of the file: UTF-8, not compressed.
    """

    def __init__(self, path: str, raw: Any, origin: int, *, plain: bool = False, compressed: bool = False) -> None:
        self._path = path
        self._raw = raw
        self.origin = origin
        self.plain = plain
        self._consumed = 0
        self._step = _STEP if compressed else 0
        self._failure: SourceError | None = None

    def read(self, size: int) -> bytes:
        """At least one and about `size` bytes; none at the end.

        Raises:
            SourceError: The file can't be read or decompressed; names the byte.
        """
        if self._failure is not None:
            raise self._failure
        data = self._raw_read(size)
        if not data and self._failure is not None:
            raise self._failure
        self._consumed += len(data)
        return data

    def _whole_lines(self, size: int) -> int:
        """How much to read so that it ends with a line: what follows the line would be copied twice later.

        Only a look at the last few bytes of what would be read; where no line ends in them, all of it.
        """
        start = self._raw.tell()
        self._raw.seek(start + size - _TAIL)
        end = self._raw.read(_TAIL).rfind(b"\n") + 1
        self._raw.seek(start)
        return size - _TAIL + end if end else size

    def _raw_read(self, size: int) -> bytes:
        """Decompression loses what it has in hand when it fails, so it is asked for little at a time."""
        parts: list[bytes] = []
        try:
            left = self._whole_lines(size) if self.plain and size > _TAIL else size
            while left > 0 and (part := self._raw.read(min(left, self._step or left))):
                parts.append(part)
                left -= len(part) if self._step else left
        except OSError as error:
            self._failure = _broken(self._path, self._consumed + sum(map(len, parts)), error)
            self._failure.__cause__ = error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def width(self, data: bytes | memoryview) -> int:
        """How many bytes of the (decompressed) file these bytes of text are."""
        return len(data)

    def close(self) -> None:
        """Release the file."""
        self._raw.close()


class TranscodingStream(ByteStream):
    """Text in another encoding; what can't be decoded comes out as invalid UTF-8, so that its record is rejected."""

    def __init__(self, path: str, raw: Any, origin: int, encoding: str, *, compressed: bool) -> None:
        super().__init__(path, raw, origin, compressed=compressed)
        self._encoding = encoding
        self._errors = "surrogatepass" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(encoding)(self._errors)
        self._ended = False

    def read(self, size: int) -> bytes:
        """At least one and about `size` bytes; none at the end."""
        while not self._ended:
            data = super().read(size)
            self._ended = not data
            text = self._decode(data)
            if text:
                return text.encode("utf-8", "surrogatepass")
        return b""

    def width(self, data: bytes | memoryview) -> int:
        """How many bytes of the (decompressed) file these bytes of text are."""
        return len(bytes(data).decode("utf-8", "surrogatepass").encode(self._encoding, self._errors))

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{self._path}: the text is not {self._encoding} around byte {self._consumed:,}: {error.reason}; "
                "give its encoding by the option encoding"
            ) from error


def open_stream(client: FileClient, options: FileSourceConfiguration, path: str, offset: int = 0) -> ByteStream:
    """The text of a file from a position on.

    Args:
        client: The file system.
        options: Compression and encoding.
        path: The file.
        offset: Position in the (decompressed) file; a byte order mark at its begin is passed over.

    Raises:
        SourceError: The file can't be read.
    """
    compression = compression_of(client, options, path)
    head = _head(client, path, compression)
    encoding, origin = _encoding_of(options.encoding, head)
    start = max(offset, origin)
    raw = _open(client, path, start, compression)
    if encoding in ("utf-8", "ascii"):
        return ByteStream(path, raw, origin, plain=compression == "none", compressed=compression != "none")
    return TranscodingStream(path, raw, origin, encoding, compressed=compression != "none")


def compression_of(client: FileClient, options: FileSourceConfiguration, path: str) -> Compression:
    """How a file is compressed: as the options say, else by its name, else by its first bytes."""
    if options.compression != "auto":
        return options.compression
    for ending, compression in _ENDINGS.items():
        if path.lower().endswith(ending):
            return compression
    with client.open(path) as file:
        head = file.read(4)
    for magic, compression in _MAGIC.items():
        if head.startswith(magic):
            return compression
    return "none"


def without_compression(path: str) -> str:
    """The path without the ending that tells its compression, in small letters."""
    lower = path.lower()
    return next((lower.removesuffix(ending) for ending in _ENDINGS if lower.endswith(ending)), lower)


def _head(client: FileClient, path: str, compression: Compression) -> bytes:
    raw = _open(client, path, 0, compression)
    try:
        return raw.read(4)
    except OSError as error:
        raise _broken(path, 0, error) from error
    finally:
        raw.close()


def _encoding_of(encoding: str, head: bytes) -> tuple[str, int]:
    """The codec to decode with and where the text begins."""
    if encoding in ("utf-8", "utf-8-sig"):
        return "utf-8", len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    for family, marks in _WIDE.items():
        if encoding.startswith(family):
            for mark, codec in marks:
                if head.startswith(mark) and encoding in (family, codec):
                    return codec, len(mark)
            return (f"{family}-le" if encoding == family else encoding), 0
    return encoding, 0


def _open(client: FileClient, path: str, offset: int, compression: Compression) -> Any:
    if compression == "none":
        return client.open(path, offset)
    import pyarrow as pa

    file: BinaryIO = client.open(path)
    if not file.read(1):
        return file
    file.seek(0)
    stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), compression)
    _skip(path, stream, offset)
    return stream


def _broken(path: str, done: int, error: OSError) -> SourceError:
    text = str(error)
    if "runcated" in text:
        return SourceError(
            f"{path}: the compressed file ends too early, after {done:,} decompressed bytes; it was cut off: "
            "transfer it again"
        )
    if "decompress" in text or "inflate" in text:
        return SourceError(
            f"{path}: the file can't be decompressed behind decompressed byte {done:,}: {text}; "
            "if it isn't compressed, say compression: none"
        )
    return SourceError(f"{path}: the file can't be read behind byte {done:,}: {text}")


def _skip(path: str, stream: Any, offset: int) -> None:
    done = 0
    try:
        while done < offset and (data := stream.read(min(_SKIP, offset - done))):
            done += len(data)
    except OSError as error:
        raise _broken(path, done, error) from error


__all__ = ["ByteStream", "compression_of", "open_stream", "without_compression"]
