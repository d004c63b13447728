"""JSON lines: one JSON object a line."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from active_data_flow.connectors.file.client import FileInfo
from active_data_flow.connectors.file.formats.blocks import Block, Cutter
from active_data_flow.connectors.file.formats.columns import settle
from active_data_flow.connectors.file.formats.format import columns_of
from active_data_flow.connectors.file.formats.json_parse import JsonParser, JsonTable, Record, infer_json
from active_data_flow.connectors.file.formats.parsing import Parsed
from active_data_flow.connectors.file.formats.rejecting import Places
from active_data_flow.connectors.file.formats.text import Opened, TextFormat
from active_data_flow.connectors.file.splits import FileSplit

_BREAK, _BRACE = ord("\n"), ord("{")


class LineCutter:
    """Every line break ends a record."""

    def last_end(self, data: bytes) -> tuple[int, bool]:
        """End of the last whole record; always certain."""
        return data.rfind(b"\n") + 1, True

    def first_end(self, data: bytes, minimum: int) -> int:
        """End of the first record that ends at `minimum` or later; 0: none."""
        return data.find(b"\n", max(minimum - 1, 0)) + 1

    def closed(self, rest: bytes) -> bool:
        """A last line without line break is a record."""
        del rest
        return True


class JsonLinesParser(JsonParser):
    """Parses blocks of lines."""

    def parse(self, block: Block) -> Parsed:
        """All at once; where that fails, record by record around the bad ones."""
        try:
            data = self._table.parse(block.data)
            finished = self._table.finish(data)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return self.carefully(_lines(block))
        if finished.rejects or data.num_rows != _filled_lines(block):
            return self.carefully(_lines(block))
        return finished


class JsonLinesFormat(TextFormat):
    """One JSON object a line."""

    name = "json_lines"

    def infer(self, info: FileInfo) -> pa.Schema | None:
        """The fields of the first block with their types; declared ones have the declared types."""
        inferred = self._infer(info.path)
        return None if inferred is None else settle(inferred, self.declared)

    def open_parser(self, split: FileSplit, places: Places) -> Opened:
        """What reads the file's records, and where they begin."""
        table = JsonTable(columns_of(split), frozenset(self.declared.names), split.split_id)
        return Opened(JsonLinesParser(table, places), LineCutter(), 0)

    def cutter(self, path: str) -> Cutter:
        """What knows where records end."""
        del path
        return LineCutter()

    def _infer(self, path: str) -> pa.Schema | None:
        data = self.first_block(path, 0)
        return infer_types(_lines(Block(data, 0, len(data), 0)))


def infer_types(records: list[Record]) -> pa.Schema | None:
    """Types by the values of records; bad ones are passed over. None where there is no good one."""
    try:
        return infer_json(b"\n".join(record.data for record in records)) if records else None
    except (pa.ArrowInvalid, UnicodeDecodeError):
        if len(records) == 1:
            return None
    middle = len(records) // 2
    known = [schema for half in (records[:middle], records[middle:]) if (schema := infer_types(half)) is not None]
    if len(known) < 2:
        return known[0] if known else None
    return _both(*known)


def _both(first: pa.Schema, second: pa.Schema) -> pa.Schema:
    """Fields of both; text where one can't be the other."""
    fields = {item.name: item for item in first}
    for item in second:
        known = fields.get(item.name)
        if known is None or known.type == item.type:
            fields[item.name] = item
            continue
        try:
            merged = pa.unify_schemas([pa.schema([known]), pa.schema([item])], promote_options="permissive")
            fields[item.name] = merged.field(0)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            fields[item.name] = pa.field(item.name, pa.string())
    return pa.schema(list(fields.values()))


def _lines(block: Block) -> list[Record]:
    records: list[Record] = []
    at = block.start
    for number, line in enumerate(block.data.split(b"\n")):
        if line.strip():
            records.append(Record(line, at, block.lines + number))
        at += block.width(line + b"\n")
    return records


def _filled_lines(block: Block) -> int:
    """Lines that hold something; counted quickly where each begins with an object."""
    signs = np.frombuffer(block.data, np.uint8)
    starts = np.flatnonzero(signs[:-1] == _BREAK) + 1
    if signs[0] == _BRACE and (signs[starts] == _BRACE).all():
        return len(starts) + 1
    return len(_lines(block))


__all__ = ["JsonLinesFormat", "LineCutter", "infer_types"]
