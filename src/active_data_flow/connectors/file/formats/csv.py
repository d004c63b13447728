"""CSV: header, dialect, inference, and blocks of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import pyarrow as pa

from active_data_flow.connectors.file.client import FileInfo
from active_data_flow.connectors.file.formats.blocks import Cutter
from active_data_flow.connectors.file.formats.columns import require, settle, settled_type
from active_data_flow.connectors.file.formats.csv_parse import CsvParser, CsvTable, split_record
from active_data_flow.connectors.file.formats.csv_reader import CsvReader
from active_data_flow.connectors.file.formats.csv_scan import CsvCutter, CsvScan, Dialect
from active_data_flow.connectors.file.formats.format import columns_of
from active_data_flow.connectors.file.formats.rejecting import Places, text_of
from active_data_flow.connectors.file.formats.streams import ByteStream, open_stream, without_compression
from active_data_flow.connectors.file.formats.text import Opened, TextFormat, not_readable
from active_data_flow.connectors.file.splits import FileSplit
from active_data_flow.core.kernels import pc

_OTHERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a vertical bar"}
_HEAD = 2**16
_PADDED = r"^\s*[+-]?0\d"
_LONG = r"^\s*[+-]?\d{16,}\s*$"


class CsvFormat(TextFormat):
    """CSV with any delimiter, quote, escape and encoding, with or without header."""

    name = "csv"

    def infer(self, info: FileInfo) -> pa.Schema | None:
        """The file's columns; types that are not declared are those of the first block."""
        names, begin = self.header(info.path)
        if not names:
            return None
        data = self.first_block(info.path, begin)
        inferred = self._inferred(info.path, names, data, self.declared.names)
        return settle(inferred, self.declared) if data else None

    def open_parser(self, split: FileSplit, places: Places) -> Opened:
        """What reads the file's records, and where they begin."""
        names, begin = self.header(split.path)
        columns = columns_of(split)
        if names:
            require(split.path, names, columns)
        extra = [name for name in names if name not in columns.names]
        if extra:
            inferred = self._inferred(split.path, names, self.first_block(split.path, begin), columns.names)
            columns = pa.schema([*columns, *(inferred.field(name) for name in extra)])
        declared = frozenset(self.declared.names)
        dialect = self.dialect(split.path)
        cutter = CsvCutter(dialect)
        table = CsvTable(names, columns, declared, dialect, self.options, split.split_id)
        return Opened(CsvParser(table, cutter, places), cutter, begin)

    def cutter(self, path: str) -> Cutter:
        """What knows where records end."""
        return CsvCutter(self.dialect(path))

    def why_not_ranges(self, path: str) -> str | None:
        """Ranges need to find a record's start from any byte on: not where quoted fields may hold line breaks."""
        if not self.dialect(path).plain:
            return "quoted fields may hold line breaks; say newlines_in_values: false where they don't"
        return super().why_not_ranges(path)

    def dialect(self, path: str) -> Dialect:
        """How a file is written."""
        options = self.options
        delimiter = options.delimiter or ("\t" if without_compression(path).endswith((".tsv", ".tab")) else ",")
        quote = None if options.quote is None else options.quote.encode()
        escape = None if options.escape is None else options.escape.encode()
        return Dialect(delimiter.encode(), quote, escape, options.newlines_in_values)

    def header(self, path: str) -> tuple[list[str], int]:
        """Names of the file's columns and where its records begin; no names where the file is empty.

        Raises:
            SourceError: The header is not one, or the delimiter is another.
        """
        dialect, options = self.dialect(path), self.options
        with closing(open_stream(self.client, options, path)) as stream:
            head = _Head(stream, dialect, options.max_record_bytes)
            begin = head.skip_lines(options.skip_rows)
            first, second = head.record(begin), b""
            if first:
                second = head.record(begin + len(first))
            if len(first) > options.max_record_bytes:
                raise not_readable(path, "the header does not end within max_record_bytes; is this a CSV file?")
            records = begin + len(first) if options.header else begin
            at = stream.origin + stream.width(head.data[:records])
        fields = split_record(first.lstrip(b"\r\n"), dialect)
        if not fields:
            return list(options.columns or []), at
        _check_text(path, first, options.encoding)
        _check_delimiter(path, first, second, fields, dialect)
        return self._names(path, fields), at

    def _names(self, path: str, fields: list[str]) -> list[str]:
        given = self.options.columns
        if not self.options.header:
            return given or [f"column_{place + 1}" for place in range(len(fields))]
        if given is not None and len(given) != len(fields):
            raise not_readable(path, f"the header has {len(fields)} columns, and the option columns {len(given)}")
        return given or _unique(fields)

    def _inferred(self, path: str, names: list[str], data: bytes, known: Sequence[str]) -> pa.Schema:
        """Types by values; text where a number would lose something: leading zeros, or digits."""
        if not data:
            return pa.schema([(name, pa.string()) for name in names])
        texts = dict.fromkeys(names, pa.string())
        text = data.decode("utf-8", "replace").encode()
        dialect = self.dialect(path)
        fixed = {name: pa.string() for name in names if name in known}
        inferred = CsvReader(names, dialect, self.options, fixed, skip_ragged=True).read(text)
        raw = CsvReader(names, dialect, self.options, texts, skip_ragged=True).read(text)
        return pa.schema([(name, _lossless(inferred.field(name).type, raw.column(name))) for name in names])


class _Head:
    """The begin of a file, as much of it as is asked for."""

    def __init__(self, stream: ByteStream, dialect: Dialect, limit: int) -> None:
        self.data = b""
        self._stream = stream
        self._dialect = dialect
        self._limit = limit
        self._ended = False

    def skip_lines(self, count: int) -> int:
        """Where the text goes on behind so many lines."""
        at = 0
        for _ in range(count):
            while (cut := self.data.find(b"\n", at) + 1) == 0 and self._more():
                pass
            at = cut or len(self.data)
        return at

    def record(self, start: int) -> bytes:
        """The record at a place, empty lines before it included; empty where there is none."""
        while True:
            scan = CsvScan(self.data[start:], self._dialect, final=self._ended)
            _, ends = scan.records()
            if len(ends):
                return self.data[start : start + int(ends[0])]
            if not self._more():
                return self.data[start:]

    def _more(self) -> bool:
        data = b"" if self._ended or len(self.data) > self._limit else self._stream.read(max(_HEAD, len(self.data)))
        self._ended = self._ended or not data
        self.data += data
        return bool(data)


def _check_text(path: str, line: bytes, encoding: str) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        reason = f"the header is not valid {encoding}: {error.reason}; give the file's encoding, as encoding: latin-1"
        raise not_readable(path, reason) from error


def _check_delimiter(path: str, first: bytes, second: bytes, fields: list[str], dialect: Dialect) -> None:
    """Refuse a file whose only column looks like several with another delimiter."""
    if len(fields) > 1:
        return
    for other, name in _OTHERS.items():
        likely = replace(dialect, delimiter=other.encode())
        width = len(split_record(first.lstrip(b"\r\n"), likely))
        if width > 1 and (not second or len(split_record(second.lstrip(b"\r\n"), likely)) == width):
            raise not_readable(
                path,
                f"the first line {text_of(first)[:200]!r} is one column with the delimiter "
                f"{dialect.delimiter.decode()!r}, and {width} with {name}; say delimiter: {other!r}",
            )


def _lossless(inferred: pa.DataType, raw: pa.Array) -> pa.DataType:
    """The type to settle on; text where the numbers are written so that a number could not give them back."""
    pattern = _PADDED if pa.types.is_integer(inferred) else _LONG if pa.types.is_floating(inferred) else None
    if pattern is not None and pc.any(pc.match_substring_regex(raw, pattern)).as_py():
        return pa.string()
    return settled_type(inferred)


def _unique(fields: list[str]) -> list[str]:
    names: list[str] = []
    for place, field in enumerate(fields):
        name = field.strip() or f"column_{place + 1}"
        number = 0
        while name in names:
            number += 1
            name = f"{field.strip()}_{number}"
        names.append(name)
    return names


__all__ = ["CsvFormat"]
