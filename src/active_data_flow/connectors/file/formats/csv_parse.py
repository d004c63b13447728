"""From blocks of CSV to record batches: all at once, or, where a record of the block is bad, around it."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.formats.blocks import Block
from active_data_flow.connectors.file.formats.columns import arrange, cast_columns
from active_data_flow.connectors.file.formats.csv_scan import CsvCutter, Dialect, proven
from active_data_flow.connectors.file.formats.parsing import Parsed, Parser
from active_data_flow.connectors.file.formats.rejecting import Places

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
            return read_csv(data, self.names, self.dialect, self.options, types, null_texts=self._null_texts)
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

    def finish(self, data: pa.RecordBatch) -> Parsed:
        """The rows in the source's columns and types; what doesn't fit becomes rejects without a place."""
        arranged = arrange(self._empty_texts(data), self.columns)
        batch = cast_columns(arranged, self.columns, self.split_id)
        return Parsed(batch.data, batch.rejects)

    @cached_property
    def _null_texts(self) -> bool:
        """Whether any text may be null; where none may, the parser makes no nulls that would have to be undone."""
        texts = [item for item in self.columns if item.name in self.names and parser_type(item.type) in _TEXTS]
        return self.options.null_values != [""] or any(item.nullable for item in texts)

    def _empty_texts(self, data: pa.RecordBatch) -> pa.RecordBatch:
        """Where a text may not be null, and nothing but emptiness means null, an empty field is an empty text."""
        if self.options.null_values != [""] or not self._null_texts:
            return data
        for item in self.columns:
            place = data.schema.get_field_index(item.name)
            if (
                not item.nullable
                and place >= 0
                and data.schema.field(place).type in _TEXTS
                and data.column(place).null_count
            ):
                filled = data.column(place).fill_null(pa.scalar("").cast(data.schema.field(place).type))
                data = data.set_column(place, data.schema.field(place), filled)
        return data

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
    null_texts: bool = True,
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
            strings_can_be_null=null_texts,
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
        return self._table.finish(self._table.nothing()).data

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
        if not sure and not proven(
            block.data, data.num_rows, block.breaks or 0, self._table.dialect, terminated=block.terminated
        ):
            return self._around(block) if block.certain else Parsed(self.nothing(), proven=False)
        finished = self._table.finish(data)
        if finished.rejects:
            return self._around(block) if block.certain else Parsed(self.nothing(), proven=False)
        return finished

    def _around(self, block: Block) -> Parsed:
        from active_data_flow.connectors.file.formats.csv_careful import CarefulCsv

        return CarefulCsv(self._table, self._places, block).parse()


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


__all__ = ["CsvParser", "CsvTable", "parser_type", "read_csv", "split_record"]
