"""From blocks of CSV to record batches: all at once, or, where a record of the block is bad, around it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.formats.blocks import Block
from active_data_flow.connectors.file.formats.columns import arrange, cast_columns
from active_data_flow.connectors.file.formats.csv_reader import CsvReader, parser_type
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
        try:
            return self._reader.read(data)
        except pa.ArrowInvalid as error:
            quote = self.dialect.quote
            if quote is None or quote not in bytes(data) or not _COLUMN.search(str(error)):
                raise
            return self._with_quoted_nulls(data)

    def _with_quoted_nulls(self, data: bytes | memoryview) -> pa.RecordBatch:
        """The rows, where null values may stand in quotes in all columns but those of text."""
        types = self._types
        texts = {name: pa.string() for name in self.names if types[name] not in _TEXTS}
        bare = CsvReader(self.names, self.dialect, self.options, types, quoted_nulls=True).read(data)
        quoted = CsvReader(self.names, self.dialect, self.options, types | texts).read(data)
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
        return pa.RecordBatch.from_pydict({name: pa.array([], self._types[name]) for name in self.names})

    @cached_property
    def _reader(self) -> CsvReader:
        return CsvReader(self.names, self.dialect, self.options, self._types, null_texts=self._null_texts)

    @cached_property
    def _types(self) -> dict[str, pa.DataType]:
        return {name: parser_type(self.columns.field(name).type) for name in self.names}


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


__all__ = ["CsvParser", "CsvTable", "split_record"]
