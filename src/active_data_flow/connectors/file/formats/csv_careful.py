"""Parses a block of CSV that has bad records: finds each of them, and parses the others together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.formats.blocks import Block
from active_data_flow.connectors.file.formats.csv_parse import CsvTable, split_record
from active_data_flow.connectors.file.formats.csv_reader import CsvReader, parser_type
from active_data_flow.connectors.file.formats.csv_scan import CsvScan, Dialect
from active_data_flow.connectors.file.formats.parsing import Parsed
from active_data_flow.connectors.file.formats.rejecting import Places, misfit, reject_at, text_of
from active_data_flow.core.batch import Reject
from active_data_flow.core.kernels import pc

_COLUMN = re.compile(r"In CSV column #(\d+)")
_ROW = re.compile(r"Row #(\d+)")
_ROW_NUMBER = "\ue000row"
_PLAIN = Dialect(b",", b'"', None)


class CarefulCsv:
    """One block with bad records.

    Args:
        table: How records become rows.
        places: Names the places of bad records.
        block: The block.
    """

    def __init__(self, table: CsvTable, places: Places, block: Block) -> None:
        self._table = table
        self._places = places
        self._block = block
        self._lines: list[bytes] = []
        self._starts: list[int] = []
        self._rejects: list[tuple[int, Reject]] = []

    def parse(self) -> Parsed:
        """The good records as rows, the others as rejects."""
        self._collect()
        data = self._parsed()
        numbers = pa.array(range(len(self._lines)), pa.int64())
        finished = self._table.finish(data.append_column(_ROW_NUMBER, numbers))
        for reject in finished.rejects:
            record = dict(reject.record) if isinstance(reject.record, Mapping) else {}
            number = int(record.pop(_ROW_NUMBER))
            self._reject(self._starts[number], reject.error, record, reject.field)
        rejects = tuple(reject for _, reject in sorted(self._rejects, key=lambda item: item[0]))
        return Parsed(finished.data.drop_columns([_ROW_NUMBER]), rejects)

    def _collect(self) -> None:
        """Keep the records that have the right number of fields and are valid text; the others are rejected."""
        data, table = self._block.data, self._table
        scan = CsvScan(data, table.dialect)
        starts, ends = scan.records()
        counts = scan.field_counts(starts, ends)
        valid = _is_text(data)
        for start, end, count in zip(starts.tolist(), ends.tolist(), counts.tolist(), strict=True):
            line = data[start:end]
            missing = len(table.names) - count
            reason = None if valid or _is_text(line) else self._not_text(line, start)
            reason = reason or self._ragged(count)
            if reason is None or (count and missing > 0 and table.options.ragged_rows == "fill"):
                self._starts.append(start)
                self._lines.append(line.rstrip(b"\r\n") + table.dialect.delimiter * max(missing, 0) + b"\n")
            else:
                self._reject(start, reason, text_of(line))

    def _ragged(self, count: int) -> str | None:
        wanted = len(self._table.names)
        if count == wanted:
            return None
        if count == 0:
            return "a quoted field is not closed on its line; see newlines_in_values"
        remedy = "; ragged_rows: fill fills it up with nulls" if count < wanted else ""
        return f"the record has {count} fields, and there are {wanted} columns{remedy}"

    def _parsed(self) -> pa.RecordBatch:
        """Rows of the records that are left when those with bad values are rejected."""
        while True:
            try:
                parsed = self._table.parse(b"".join(self._lines))
            except pa.ArrowInvalid as error:
                self._without_bad_records(str(error))
                continue
            if parsed.num_rows == len(self._lines):
                return parsed
            self._check_each()

    def _without_bad_records(self, error: str) -> None:
        """Reject all records that have a bad value in the column that the parser stumbled over."""
        column, row = _COLUMN.search(error), _ROW.search(error)
        if column is None:
            self._drop({int(row.group(1)) - 1: error} if row else dict.fromkeys(range(len(self._lines)), error))
            return
        name = self._table.names[int(column.group(1))]
        values = self._texts().column(name)
        item = self._table.columns.field(name)
        bad = self._bad_values(pc.unique(values.drop_null()).to_pylist(), item)
        declared = name in self._table.declared
        reasons = {value: misfit(name, value, item.type, declared=declared) for value in bad}
        rows = {number: reasons[value] for number, value in enumerate(values.to_pylist()) if value in reasons}
        if not rows and row is not None:
            rows = {int(row.group(1)) - 1: error}
        self._drop(rows, name)

    def _texts(self) -> pa.RecordBatch:
        table = self._table
        types = dict.fromkeys(table.names, pa.string())
        return CsvReader(table.names, table.dialect, table.options, types).read(b"".join(self._lines))

    def _bad_values(self, values: list[str], item: pa.Field) -> list[str]:
        """Those of the values that the parser doesn't take for the column's type."""
        if not values:
            return []
        quoted = (b'"' + value.encode().replace(b'"', b'""') + b'"\n' for value in values)
        types = {item.name: parser_type(item.type)}
        try:
            CsvReader([item.name], _PLAIN, self._table.options, types, quoted_nulls=True).read(b"".join(quoted))
        except pa.ArrowInvalid:
            if len(values) == 1:
                return values
        else:
            return []
        middle = len(values) // 2
        return self._bad_values(values[:middle], item) + self._bad_values(values[middle:], item)

    def _check_each(self) -> None:
        """Reject the lines that the parser doesn't take for one record."""
        rows: dict[int, str] = {}
        for number, line in enumerate(self._lines):
            try:
                count = self._table.parse(line).num_rows
            except pa.ArrowInvalid:
                continue  # its bad value is found with the others
            if count != 1:
                rows[number] = f"the line is read as {count} records; see quote, escape and newlines_in_values"
        self._drop(rows or dict.fromkeys(range(len(self._lines)), "the records can't be told apart"))

    def _drop(self, rows: Mapping[int, str], field: str | None = None) -> None:
        for number, reason in rows.items():
            values = split_record(self._lines[number], self._table.dialect)
            self._reject(self._starts[number], reason, dict(zip(self._table.names, values, strict=False)), field)
        kept = [number for number in range(len(self._lines)) if number not in rows]
        self._lines = [self._lines[number] for number in kept]
        self._starts = [self._starts[number] for number in kept]

    def _reject(self, start: int, reason: str, record: Mapping[str, Any] | str, field: str | None = None) -> None:
        block = self._block
        place = self._places.name(block.lines + block.data.count(b"\n", 0, start), block.byte(start))
        self._rejects.append((start, reject_at(place, reason, record, self._table.split_id, field)))

    def _not_text(self, line: bytes, start: int) -> str:
        encoding = self._table.options.encoding
        try:
            line.decode()
        except UnicodeDecodeError as error:
            where, why = self._block.byte(start + error.start), error.reason
            remedy = "give the file's encoding, as encoding: latin-1"
            return f"the text is not valid {encoding} at byte {where:,}: {why}; {remedy}"
        return f"the text is not valid {encoding}"


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


__all__ = ["CarefulCsv"]
