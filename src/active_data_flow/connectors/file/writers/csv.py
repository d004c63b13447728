"""CSV: Arrow's own writer; columns that it can't write become text first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Literal

import pyarrow as pa

from active_data_flow.core.json_text import plain_text

Quoting = Literal["text", "all"]


class CsvEncoder:
    """Rows as CSV.

    Nested values are JSON text, binary values base64, timestamps and dates ISO 8601. A null is nothing, an empty text
    is ``""``.

    Args:
        delimiter: Between two values.
        quoting: Whether all values are quoted, or text only.
        header: Whether a file begins with the names of its columns.
        encoding: Encoding of the file.
    """

    trailer = b""

    def __init__(self, delimiter: str, quoting: Quoting, encoding: str, *, header: bool) -> None:
        self._delimiter = delimiter
        self._quoting = "needed" if quoting == "text" else "all_valid"
        self._header = header
        self._encoding = None if encoding.lower().replace("-", "").replace("_", "") == "utf8" else encoding
        self.separator = "\n".encode(continued(encoding))

    def opening(self, schema: pa.Schema) -> bytes:
        """What stands before the first row."""
        names = ""
        if self._header:
            line = io.StringIO()
            quoting = csv.QUOTE_ALL
            csv.writer(line, delimiter=self._delimiter, quoting=quoting, lineterminator="\n").writerow(schema.names)
            names = line.getvalue()
        if self._encoding is None:
            return names.encode()
        plain = continued(self._encoding)
        return ("\ufeff" + names if plain != self._encoding else names).encode(plain)

    def rows(self, batch: pa.RecordBatch, *, first: bool) -> Iterator[memoryview]:  # like the other encoders
        """The rows, in order.

        Raises:
            UnicodeEncodeError: A character that the encoding doesn't have.
        """
        from pyarrow.csv import WriteOptions, write_csv

        out = pa.BufferOutputStream()
        options = WriteOptions(include_header=False, delimiter=self._delimiter, quoting_style=self._quoting)
        write_csv(_writable(batch), out, options)
        data = memoryview(out.getvalue())
        yield data if self._encoding is None else memoryview(self._encoded(str(data, "utf-8")))

    def encodable(self, batch: pa.RecordBatch) -> list[int]:
        """Numbers of the rows that have only characters of the encoding; looks at one row after the other."""
        return [row for row in range(batch.num_rows) if self._fits(batch.slice(row, 1))]

    def _fits(self, row: pa.RecordBatch) -> bool:
        try:
            list(self.rows(row, first=False))
        except UnicodeEncodeError:
            return False
        return True

    def _encoded(self, text: str) -> bytes:
        assert self._encoding is not None
        return text.encode(continued(self._encoding))


def continued(encoding: str) -> str:
    """The encoding without a byte order mark, which stands only at the start of a file."""
    name = encoding.lower().replace("_", "-")
    return {"utf-16": "utf-16-le", "utf16": "utf-16-le", "utf-32": "utf-32-le", "utf32": "utf-32-le"}.get(
        name, "utf-8" if name in {"utf-8-sig", "utf8-sig"} else encoding
    )


def header_of(start: bytes, delimiter: str, encoding: str) -> list[str]:
    """Names in the first line of a CSV file."""
    text = start.decode(encoding, errors="ignore").removeprefix("\ufeff")
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])


def _writable(batch: pa.RecordBatch) -> pa.RecordBatch:
    if not any(_needs_text(field.type) for field in batch.schema):
        return batch
    columns = [_as_text(column) if _needs_text(column.type) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _needs_text(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return not types.is_string(kind.value_type)
    simple = types.is_primitive(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
    return not (simple or types.is_decimal(kind) or types.is_boolean(kind)) or types.is_interval(kind)


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
        return _as_text(column) if _needs_text(column.type) else column
    return plain_text(column)


__all__ = ["CsvEncoder", "Quoting", "continued", "header_of"]
