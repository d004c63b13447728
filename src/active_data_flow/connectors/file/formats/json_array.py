"""A JSON array of objects, streamed: cut at the ends of its elements, never loaded as a whole."""

from __future__ import annotations

import pyarrow as pa

from active_data_flow.connectors.file.client import FileInfo
from active_data_flow.connectors.file.formats.blocks import Block, Cutter
from active_data_flow.connectors.file.formats.columns import settle
from active_data_flow.connectors.file.formats.element_cutter import ElementCutter, before_element
from active_data_flow.connectors.file.formats.format import columns_of
from active_data_flow.connectors.file.formats.json_lines import LineCutter, infer_types
from active_data_flow.connectors.file.formats.json_parse import JsonParser, JsonTable, Record
from active_data_flow.connectors.file.formats.json_scan import scan_elements
from active_data_flow.connectors.file.formats.parsing import BlockSource, Parsed
from active_data_flow.connectors.file.formats.rejecting import Places
from active_data_flow.connectors.file.formats.streams import ByteStream
from active_data_flow.connectors.file.formats.text import Opened, TextFormat
from active_data_flow.connectors.file.splits import FileSplit


class JsonArrayParser(JsonParser):
    """Parses blocks of elements."""

    def parse(self, block: Block) -> Parsed:
        """All at once; where that fails, element by element around the bad ones."""
        try:
            finished = self._table.finish(self._table.parse_elements(block.data[_prefix(block.data) :]))
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return self._around(block)
        return self._around(block) if finished.rejects else finished

    def _around(self, block: Block) -> Parsed:
        if not block.certain:
            return Parsed(self.nothing(), proven=False)
        return self.carefully(_elements(block))


class JsonArrayFormat(TextFormat):
    """A JSON array of objects."""

    name = "json_array"
    ends_with_records = False

    def infer(self, info: FileInfo) -> pa.Schema | None:
        """The fields of the first block with their types; declared ones have the declared types."""
        data = self.first_block(info.path, 0)
        inferred = infer_types(_elements(Block(data, 0, len(data), 0)))
        return None if inferred is None else settle(inferred, self.declared)

    def why_not_ranges(self, path: str) -> str | None:
        """Where an element starts can only be told from the array's begin."""
        del path
        return "an array can only be read from its begin; JSON lines can be read in ranges"

    def follows(self, path: str) -> bool:
        """A closed array has an end."""
        del path
        return False

    def open_parser(self, split: FileSplit, places: Places) -> Opened:
        """What reads the file's elements, and where they begin."""
        table = JsonTable(columns_of(split), frozenset(self.declared.names), split.split_id)
        return Opened(JsonArrayParser(table, places), self.cutter(split.path), 0)

    def cutter(self, path: str) -> Cutter:
        """Not used: elements are cut by an `ElementCutter`."""
        del path
        return LineCutter()

    def block_source(
        self, stream: ByteStream, cutter: Cutter, places: Places, at: int, end: int | None, block_size: int
    ) -> BlockSource:
        """Cuts at the ends of elements."""
        del cutter, end
        return ElementCutter(stream, places, start=at, block_size=block_size, max_record=self.options.max_record_bytes)


def _prefix(data: bytes) -> int:
    return before_element(data, first=not data.lstrip().startswith(b","))


def _elements(block: Block) -> list[Record]:
    """The elements of a block, each by itself."""
    records: list[Record] = []
    first = _prefix(block.data)
    data = block.data[first:]
    start, at, lines = 0, block.start + first, block.lines + block.data.count(b"\n", 0, first)
    for end in [*scan_elements(data).commas.tolist(), len(data)]:
        text = data[start:end]
        bare = text.lstrip()
        blank = len(text) - len(bare)
        if bare:
            records.append(Record(bare.rstrip(), at + start + blank, lines + text.count(b"\n", 0, blank)))
        lines += text.count(b"\n")
        start = end + 1
    return records


__all__ = ["JsonArrayFormat"]
