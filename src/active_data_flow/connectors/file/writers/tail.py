"""How far a file that is appended to is committed: a small ledger beside it, and a look at what others wrote.

The file itself can't tell which of its rows are committed. The ledger (``.NAME.adf``, replaced as a whole) can: it is
written before the first byte of a run, with each commit, and when the writer closes. What stands in the file behind the
committed length after a kill is a torn tail and is cut; what stands there after a clean close was appended by someone
else, and stays.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from active_data_flow.connectors.file.publish import remove_if_there, replace_durably
from active_data_flow.connectors.file.writers.csv import header_of
from active_data_flow.connectors.file.writers.json_array import content_of_array
from active_data_flow.connectors.file.writers.text_file import TextCompression
from active_data_flow.core.errors import SchemaError, SinkError

_END = 2**16
_START = 2**20


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of a file.

    Attributes:
        flow: The flow that wrote last.
        token: Names the writer that is, or was, at work; another one has taken over where it differs.
        length: Bytes of committed content, without trailer.
        has_rows: Whether that content has rows.
        columns: Names of the columns of a CSV file.
        complete: Whether that content ends where a row may follow.
        created: Whether the file did not exist before the flow began.
        closed: Bytes of content when the writer closed; None while it is open (or was killed).
        epoch: The run that the writer belongs to, or belonged to.
    """

    flow: str
    token: str
    length: int
    has_rows: bool
    columns: list[str] | None = None
    complete: bool = True
    created: bool = False
    closed: int | None = None
    epoch: int = 0


class LedgerFile:
    """The ledger of one file.

    Args:
        path: The file that it tells of.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f".{path.name}.adf")

    def read(self) -> Ledger | None:
        """The ledger; None where there is none.

        Raises:
            SinkError: It was damaged.
        """
        try:
            return Ledger(**json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            message = f"{self.path} is damaged ({error}); delete it to go on behind what the file beside it has now"
            raise SinkError(message) from error

    def write(self, ledger: Ledger) -> None:
        """Replace it, durably."""
        replace_durably(self.path, json.dumps(asdict(ledger)).encode())

    def remove(self) -> None:
        """Delete it; the file beside it is then taken as it is."""
        remove_if_there(self.path)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file begins with, for the writer that appends to it.

    Attributes:
        length: Bytes of content.
        has_rows: Whether that content has rows.
        complete: Whether the content ends where a row may follow.
        own: Whether the flow knows the content as its own.
        columns: Names of its columns, where a ledger tells.
    """

    length: int = 0
    has_rows: bool = False
    complete: bool = True
    own: bool = False
    columns: list[str] | None = None


def look_at(path: Path, compression: TextCompression, separator: bytes) -> Found:
    """What a file of someone else begins with.

    Args:
        path: The file, which may not exist.
        compression: Of the file.
        separator: What a row has to follow; empty for a JSON array, whose closing bracket is not part of its content.

    Raises:
        SinkError: Nothing can be appended to such a file.
    """
    size = size_of(path)
    if not size:
        return Found()
    if not separator:
        return _array(path, size, compression)
    end = _last_bytes(path, size) if compression == "none" else _last_text(path, compression)
    return Found(size, has_rows=True, complete=end.endswith(separator))


def size_of(path: Path) -> int | None:
    """Bytes of a file; None where there is none.

    Raises:
        SinkError: It is no regular file.
    """
    if path.exists() and not path.is_file():
        raise SinkError(f"{path} is not a regular file; rows can't be appended to it")
    return path.stat().st_size if path.exists() else None


def csv_columns(path: Path, delimiter: str, encoding: str, compression: TextCompression) -> list[str]:
    """Names in the first line of a CSV file.

    Raises:
        SchemaError: The line has no names.
    """
    with _stream(path, compression) as stream:
        start = stream.read(_START)
    names = header_of(start, delimiter, encoding)
    if not names:
        raise SchemaError(f"{path} has no header line; set header: false, or write to another file")
    return names


def _stream(path: Path, compression: TextCompression) -> pa.NativeFile:
    return pa.input_stream(str(path), compression=None if compression == "none" else compression)


def _last_bytes(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, size - _END))
        return file.read()


def _last_text(path: Path, compression: TextCompression) -> bytes:
    end = b""
    try:
        with _stream(path, compression) as stream:
            while block := stream.read(_START):
                end = (end + block)[-_END:]
    except (OSError, pa.ArrowInvalid) as error:
        message = f"{path} is no whole {compression} file ({error}); delete it, or write to another one"
        raise SinkError(message) from error
    return end


def _array(path: Path, size: int, compression: TextCompression) -> Found:
    if compression != "none":
        message = (
            f"{path} is a compressed JSON array that another program has written; rows can't be put before its closing "
            "bracket. Write to another file, use JSON lines, or set mode: replace"
        )
        raise SinkError(message)
    with path.open("rb") as file:
        start = file.read(_START)
    found = content_of_array(_last_bytes(path, size))
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"[" or found is None:
        message = f"{path} is no JSON array; write to another file, say format: json_lines, or set mode: replace"
        raise SinkError(message)
    behind, empty = found
    return Found(size - behind, has_rows=not empty)


__all__ = ["Found", "Ledger", "LedgerFile", "csv_columns", "look_at", "size_of"]
