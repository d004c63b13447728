"""Bad records: where they are, what is wrong with them, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.client import FileClient
from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.formats.streams import open_stream
from active_data_flow.core.batch import Reject

_CHUNK = 2**20
_SHOWN = 200
_NULLS = frozenset({"", "NA", "N/A", "n/a", "NULL", "null", "None", "nil", "NaN", "nan", "-", "?", "\\N"})
_FORMS = {
    "date32[day]": "2013-01-31",
    "timestamp": "2013-01-31T17:45:00",
    "time": "17:45:00",
    "bool": "true or false",
    "decimal": "1234.50",
}


class Places:
    """Names places of a file as people look for them: by line and byte.

    Lines are counted only when they are asked for, and never twice.

    Args:
        client: The file system.
        options: Compression and encoding.
        path: The file.
        start: Where the reading of the file began.
    """

    def __init__(self, client: FileClient, options: FileSourceConfiguration, path: str, start: int) -> None:
        self.path = path
        self._client = client
        self._options = options
        self.start = start
        self._before: int | None = None

    def name(self, lines: int, byte: int) -> str:
        """``file: line …, byte …`` of a place with so many line breaks since the reading began."""
        if self._before is None:
            self._before = self._count()
        return f"{self.path}: line {self._before + lines + 1:,}, byte {byte:,}"

    def _count(self) -> int:
        if not self.start:
            return 0
        stream = open_stream(self._client, self._options, self.path)
        at, lines = stream.origin, 0
        try:
            while at < self.start and (data := stream.read(min(_CHUNK, self.start - at) if stream.plain else _CHUNK)):
                width = stream.width(data)
                if at + width > self.start:
                    data = _narrowed(stream, data, self.start - at)
                at += width
                lines += data.count(b"\n")
        finally:
            stream.close()
        return lines


def _narrowed(stream: Any, data: bytes, width: int) -> bytes:
    """The begin of `data` that is `width` bytes of the file; it ends at a record's end, so at a line break."""
    low, high = 0, len(data)
    while low < high:
        middle = (low + high) // 2
        character = middle
        while character < len(data) and data[character] & 0xC0 == 0x80:
            character += 1
        if stream.width(data[:character]) < width:
            low = middle + 1
        else:
            high = middle
    return data[:low]


def reject_at(
    place: str, reason: str, record: Mapping[str, Any] | str, split_id: str, field: str | None = None
) -> Reject:
    """A rejected record of the reading stage.

    Args:
        place: Where it is, as `Places.name` says.
        reason: What is wrong, and the remedy.
        record: The record, or its text.
        split_id: The split.
        field: The field at fault.
    """
    return Reject(record, f"{place}: {reason}", "RecordError", "read", split_id, None, field)


def text_of(data: bytes | memoryview) -> str:
    r"""A record's bytes as text for people, without its line break; what is not UTF-8 is shown as ``\xff``."""
    return bytes(data[: 2**16]).decode("utf-8", "backslashreplace").rstrip("\r\n")


def shortened(value: Any) -> str:
    """A value as it is shown in a message."""
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]!r}… ({len(value):,} characters)"
    return repr(value)


def misfit(field: str, value: Any, wanted: pa.DataType, *, declared: bool) -> str:
    """Why a value is not of its column's type, and what to do.

    Args:
        field: The column.
        value: The value as it stands in the file.
        wanted: The column's type.
        declared: Whether the type was declared; else it was inferred.
    """
    from active_data_flow.core.types import type_text

    text = f"field {field}: {shortened(value)} is no {type_text(wanted)}{_why(value, wanted)}"
    form = next((form for name, form in _FORMS.items() if str(wanted).startswith(name)), None)
    if isinstance(value, str) and value.strip() in _NULLS:
        return f"{text}; if it means null, add it to null_values"
    if form is not None:
        text += f"; the expected form is {form}"
        if pa.types.is_timestamp(wanted):
            text += " with a zone" if wanted.tz else " without a zone"
            text += ", others are given by timestamp_formats"
    if not declared:
        text += f"; the type was inferred over the first block: declare another one, as schema: {{{field}: string?}}"
    return text


def _why(value: Any, wanted: pa.DataType) -> str:
    digits = str(value).strip().lstrip("+-")
    if pa.types.is_integer(wanted) and digits.isdecimal():
        return " (out of its range)"
    if pa.types.is_decimal(wanted) and digits.replace(".", "", 1).isdecimal():
        return " (it has more digits)"
    return ""


__all__ = ["Places", "misfit", "reject_at", "shortened", "text_of"]
