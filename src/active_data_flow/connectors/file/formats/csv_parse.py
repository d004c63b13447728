"""From blocks of CSV to record batches: all at once, or, where a record of the block is bad, around it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.formats.blocks import Block
from active_data_flow.connectors.file.formats.columns import arrange, cast_columns
from active_data_flow.connectors.file.formats.csv_scan import CsvCutter, CsvScan, Dialect, proven
from active_data_flow.connectors.file.formats.parsing import Parsed, Parser
from active_data_flow.connectors.file.formats.rejecting import Places, misfit, reject_at, text_of
from active_data_flow.core.batch import Reject

_TEXTS = (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
_COLUMN = re.compile(r"In CSV column #(\d+)")


@dataclass(frozen=True)
class CsvTable:
    """How a file's records become rows.

    Attributes:
        names: The file's columns in their order.
        columns: The source's columns, extra ones of this file behind them.
        declared: Names whose types were declared, not inferred.
        dialect: How the file is written.
        options: The source's options.
        split_id: The split.
    """

    names: list[str]
    columns: pa.Schema
    declared: frozenset[str]
    dialect: Dialect
    options: FileSourceConfiguration
    split_id: str

    def parse(self, data: bytes | memoryview) -> pa.RecordBatch:
        """Rows of whole records, in the parser's types.

        Raises:
            pyarrow.ArrowInvalid: A record is bad.
        """
        if not len(data):
            return self.nothing()
        types = self._parser_types()
        try:
            return read_csv(data, self.names, self.dialect, self.options, types)
        except pa.ArrowInvalid as error:
            quote = self.dialect.quote
            if quote is None or quote not in bytes(data) or not _COLUMN.search(str(error)):
                raise
            return self._with_quoted_nulls(data, types)

    def _with_quoted_nulls(self, data: bytes | memoryview, types: dict[str, pa.DataType]) -> pa.RecordBatch:
        """The rows, where null values may stand in quotes in all columns but those of text."""
        bare = read_csv(data, self.names, self.dialect, self.options, types, quoted_nulls=True)
        texts = {name: pa.string() for name in self.names if types[name] not in _TEXTS}
        quoted = read_csv(data, self.names, self.dialect, self.options, types | texts)
        arrays = [(quoted if types[name] in _TEXTS else bare).column(name) for name in self.names]
        return pa.RecordBatch.from_arrays(arrays, schema=bare.schema)

    def finish(self, data: pa.RecordBatch) -> pa.RecordBatch:
        """The rows in the source's columns."""
        return arrange(data, self.columns)

    def nothing(self) -> pa.RecordBatch:
        """No rows."""
        types = self._parser_types()
        return pa.RecordBatch.from_pydict({name: pa.array([], types[name]) for name in self.names})

    def _parser_types(self) -> dict[str, pa.DataType]:
        return {name: parser_type(self.columns.field(name).type) for name in self.names}


def parser_type(wanted: pa.DataType) -> pa.DataType:
    """The type to parse a column as: itself, or text where the CSV parser doesn't know it."""
    kinds = pa.types
    nested = kinds.is_nested(wanted) or kinds.is_dictionary(wanted) or kinds.is_duration(wanted)
    other = kinds.is_float16(wanted) or kinds.is_decimal256(wanted) or isinstance(wanted, pa.BaseExtensionType)
    views = str(wanted) in ("string_view", "binary_view")
    return pa.string() if nested or other or views else wanted


def read_csv(
    data: bytes | memoryview,
    names: list[str],
    dialect: Dialect,
    options: FileSourceConfiguration,
    types: Mapping[str, pa.DataType],
    *,
    quoted_nulls: bool = False,
    skip_ragged: bool = False,
) -> pa.RecordBatch:
    """Parse whole records; columns without a type get one by their values."""
    import pyarrow.csv as pacsv

    table = pacsv.read_csv(
        pa.BufferReader(data),
        read_options=pacsv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
        parse_options=pacsv.ParseOptions(
            delimiter=dialect.delimiter.decode(),
            quote_char=dialect.quote.decode() if dialect.quote else False,
            escape_char=dialect.escape.decode() if dialect.escape else False,
            newlines_in_values=True,
            invalid_row_handler=(lambda _: "skip") if skip_ragged else None,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict(types),
            null_values=options.null_values,
            true_values=options.true_values,
            false_values=options.false_values,
            strings_can_be_null=True,
            quoted_strings_can_be_null=quoted_nulls,
            timestamp_parsers=[*options.timestamp_formats, pacsv.ISO8601] if options.timestamp_formats else None,
            decimal_point=options.decimal_point,
        ),
    )
    arrays = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


class CsvParser(Parser):
    """Parses the blocks of one file.

    Args:
        table: How records become rows.
        cutter: Told when it guessed wrong.
        places: Names the places of bad records.
    """

    def __init__(self, table: CsvTable, cutter: CsvCutter, places: Places) -> None:
        self._table = table
        self._cutter = cutter
        self._places = places
        self._exact = table.dialect.newlines_in_values

    def nothing(self) -> pa.RecordBatch:
        """No rows."""
        return self.finished(self._table.nothing()).data

    def wrong_cut(self) -> None:
        """Look closely for some time."""
        self._cutter.be_exact()

    def parse(self, block: Block) -> Parsed:
        """All at once; where that fails, record by record around the bad ones."""
        try:
            data = self._table.parse(block.data)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return self._around(block) if block.certain else Parsed(self.nothing(), proven=False)
        sure = block.certain and self._exact
        if not sure and not proven(block.data, data.num_rows, terminated=block.terminated):
            return self._around(block) if block.certain else Parsed(self.nothing(), proven=False)
        finished = self.finished(data)
        if finished.rejects:
            return self._around(block) if block.certain else Parsed(self.nothing(), proven=False)
        return finished

    def finished(self, data: pa.RecordBatch) -> Parsed:
        """The rows in the source's columns and types; what doesn't fit becomes rejects without a place."""
        batch = cast_columns(self._table.finish(data), self._table.columns, self._table.split_id)
        return Parsed(batch.data, batch.rejects)

    def _around(self, block: Block) -> Parsed:
        return _Careful(self, self._table, self._places, block).parse()


class _MisfitError(Exception):
    """A row was parsed, but doesn't fit its types."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.error)
        self.reject = reject


class _Careful:
    """Parses a block that has bad records: halves it until each of them is alone."""

    def __init__(self, parser: CsvParser, table: CsvTable, places: Places, block: Block) -> None:
        self._parser = parser
        self._table = table
        self._places = places
        self._block = block
        self._lines: list[bytes] = []
        self._starts: list[int] = []
        self._rejects: list[tuple[int, Reject]] = []
        self._good: list[pa.RecordBatch] = []

    def parse(self) -> Parsed:
        self._collect()
        self._halve(0, len(self._lines))
        good = self._good or [self._parser.nothing()]
        data = pa.Table.from_batches(good).combine_chunks().to_batches() if len(good) > 1 else good
        rejects = tuple(reject for _, reject in sorted(self._rejects, key=lambda item: item[0]))
        return Parsed(data[0] if data else self._parser.nothing(), rejects)

    def _collect(self) -> None:
        """The records that have the right number of fields and are valid text; the others are rejected."""
        data, table = self._block.data, self._table
        scan = CsvScan(data, table.dialect)
        starts, ends = scan.records()
        counts = scan.field_counts(starts, ends)
        wanted = len(table.names)
        valid = _is_text(data)
        for start, end, count in zip(starts.tolist(), ends.tolist(), counts.tolist(), strict=True):
            line = data[start:end]
            if not valid and not _is_text(line):
                self._reject(start, line, _not_text(line, table.options.encoding, self._block.start + start))
            elif count == 0:
                self._reject(start, line, "a quoted field is not closed on its line; see newlines_in_values")
            elif count < wanted and table.options.ragged_rows == "fill":
                self._keep(start, _filled(line, table.dialect.delimiter * (wanted - count)))
            elif count != wanted:
                remedy = "; ragged_rows: fill fills it up with nulls" if count < wanted else ""
                self._reject(start, line, f"the record has {count} fields, and there are {wanted} columns{remedy}")
            else:
                self._keep(start, line)

    def _keep(self, start: int, line: bytes) -> None:
        self._starts.append(start)
        self._lines.append(line if line.endswith((b"\n", b"\r")) else line + b"\n")

    def _halve(self, low: int, high: int) -> None:
        if low >= high:
            return
        try:
            parsed = self._try(b"".join(self._lines[low:high]), high - low)
        except _MisfitError as error:
            if high - low == 1:
                self._reject(
                    self._starts[low], self._lines[low], error.reject.error, error.reject.record, error.reject.field
                )
                return
        except pa.ArrowInvalid as error:
            if high - low == 1:
                self._explain(low, str(error))
                return
        else:
            self._good.append(parsed)
            return
        middle = (low + high) // 2
        self._halve(low, middle)
        self._halve(middle, high)

    def _try(self, data: bytes, records: int) -> pa.RecordBatch:
        parsed = self._table.parse(data)
        if parsed.num_rows != records:
            message = "it can't be read as one record"
            raise pa.ArrowInvalid(message)
        finished = self._parser.finished(parsed)
        if finished.rejects:
            raise _MisfitError(finished.rejects[0])
        return finished.data

    def _explain(self, index: int, error: str) -> None:
        """Reject one record, naming the field and the value where that is what is wrong."""
        line, start = self._lines[index], self._starts[index]
        record = self._fields(line)
        found = _COLUMN.search(error)
        if found is None:
            self._reject(start, line, error, record)
            return
        field = self._table.names[int(found.group(1))]
        item = self._table.columns.field(field)
        value = record.get(field)
        self._reject(
            start, line, misfit(field, value, item.type, declared=field in self._table.declared), record, field
        )

    def _fields(self, line: bytes) -> dict[str, Any]:
        """The record's fields as text."""
        dialect = self._table.dialect
        row = split_record(line, dialect)
        return dict(zip(self._table.names, row, strict=False))

    def _reject(
        self,
        start: int,
        line: bytes,
        reason: str,
        record: Mapping[str, Any] | str | None = None,
        field: str | None = None,
    ) -> None:
        block = self._block
        place = self._places.name(block.lines + block.data.count(b"\n", 0, start), block.start + start)
        whole = record if record is not None else text_of(line)
        self._rejects.append((start, reject_at(place, reason, whole, self._table.split_id, field)))


def split_record(line: bytes, dialect: Dialect) -> list[str]:
    """The fields of one record as text; none where they can't be told apart."""
    reader = csv.reader(
        [line.decode("utf-8", "backslashreplace").rstrip("\r\n")],
        delimiter=dialect.delimiter.decode(),
        quotechar=dialect.quote.decode() if dialect.quote else None,
        escapechar=dialect.escape.decode() if dialect.escape else None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
    )
    try:
        return next(reader, [])
    except csv.Error:
        return []


def _filled(line: bytes, delimiters: bytes) -> bytes:
    bare = line.rstrip(b"\r\n")
    return bare + delimiters + b"\n"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_text(line: bytes, encoding: str, start: int) -> str:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        where = f" at byte {start + error.start:,}" if encoding == "utf-8" else ""
        return (
            f"the text is not valid {encoding}{where}: {error.reason}; give the file's encoding, as encoding: latin-1"
        )
    return "the text is not valid"


__all__ = ["CsvParser", "CsvTable", "parser_type", "read_csv", "split_record"]
