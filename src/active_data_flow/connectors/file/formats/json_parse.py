"""From records of JSON to record batches: all at once, or, where a record is bad, around it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple, cast

import pyarrow as pa

from active_data_flow.connectors.file.formats.columns import arrange, cast_columns, settled_type
from active_data_flow.connectors.file.formats.parsing import Parsed, Parser
from active_data_flow.connectors.file.formats.rejecting import Places, misfit, reject_at, text_of
from active_data_flow.core.batch import Reject
from active_data_flow.core.kernels import pc

_ZONE = r"(Z|[+-]\d\d:?\d\d)$"
_DAY = r"^\d{4}-\d\d-\d\d$"
_EXACT = re.compile('"\ue000([^"\ue000]*)\ue000"')


class Record(NamedTuple):
    """The text of one record and where it is.

    Attributes:
        data: The text.
        byte: Where it starts in the (decompressed) file.
        lines: Line breaks before it, since the reading began.
    """

    data: bytes
    byte: int
    lines: int


@dataclass(frozen=True)
class JsonTable:
    """How a file's records become rows.

    Attributes:
        columns: The source's columns.
        declared: Names whose types were declared, not inferred.
        split_id: The split.
        null_values: Texts that mean null; for messages.
    """

    columns: pa.Schema
    declared: frozenset[str]
    split_id: str

    def parse(self, data: bytes) -> pa.RecordBatch:
        """Rows of whole records, in the source's columns and types as far as they fit.

        Raises:
            pyarrow.ArrowInvalid: A record is bad.
            UnicodeDecodeError: The text is not UTF-8.
        """
        if not data or data.isspace():
            return self.nothing()
        check_text(data)
        return read_json(data, self._wanted_fields)

    @cached_property
    def _wanted_fields(self) -> pa.Schema:
        return pa.schema([(item.name, parser_type(item.type)) for item in self.columns])

    def parse_elements(self, data: bytes) -> pa.RecordBatch:
        """Rows of elements with commas between them, as they stand in an array.

        Raises:
            pyarrow.ArrowInvalid: An element is bad, or the text does not end at an element's end.
            UnicodeDecodeError: The text is not UTF-8.
        """
        check_text(data)
        members = pa.struct(list(self._wanted_fields))
        wrapped = read_json(b'{"e":[' + data + b"]}", pa.schema([("e", pa.list_(members))]))
        elements = wrapped.column("e")
        if wrapped.num_rows != 1 or wrapped.num_columns != 1 or elements.null_count or elements.values.null_count:
            message = "it can't be read as elements"
            raise pa.ArrowInvalid(message)
        values = elements.flatten()
        names = [member.name for member in values.type]
        return pa.RecordBatch.from_arrays(values.flatten(), names=names) if names else _nameless(len(values))

    def finish(self, data: pa.RecordBatch) -> Parsed:
        """The rows in the source's columns; what doesn't fit becomes rejects without a place."""
        arranged = arrange(_dates(_texts_for_nulls(data), self.columns), self.columns)
        wanted = pa.schema([self._wanted(item, arranged.schema.field(item.name)) for item in self.columns])
        batch = cast_columns(arranged, wanted, self.split_id)
        return Parsed(batch.data, batch.rejects)

    def nothing(self) -> pa.RecordBatch:
        """No rows."""
        return pa.RecordBatch.from_pydict({item.name: pa.array([], item.type) for item in self.columns})

    def _wanted(self, item: pa.Field, found: pa.Field) -> pa.Field:
        """Nested values whose type was inferred may have more members than the first block had: they are passed on."""
        grown = item.name not in self.declared and pa.types.is_nested(item.type)
        return item.with_type(found.type) if grown else item


def check_text(data: bytes) -> None:
    """Refuse text that is not UTF-8, which Arrow's parser takes as it is.

    Raises:
        UnicodeDecodeError: It is not.
    """
    if not data.isascii():  # much faster than decoding
        data.decode()


def read_json(data: bytes | memoryview, wanted: pa.Schema | None) -> pa.RecordBatch:
    """Parse whole records; other fields get a type by their values."""
    import pyarrow.json as pajson

    table = pajson.read_json(
        pa.BufferReader(data),
        read_options=pajson.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pajson.ParseOptions(
            explicit_schema=wanted, newlines_in_values=True, unexpected_field_behavior="infer"
        ),
    )
    if not table.num_columns:
        return _nameless(table.num_rows)
    arrays = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=table.schema)


def _nameless(rows: int) -> pa.RecordBatch:
    """Rows without any field."""
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))


def parser_type(wanted: pa.DataType) -> pa.DataType:
    """The type to parse a field as: itself, or one that the JSON parser knows."""
    kinds = pa.types
    if kinds.is_date(wanted):
        return pa.timestamp("s")
    if kinds.is_list(wanted):
        return pa.list_(parser_type(wanted.value_type))
    if kinds.is_struct(wanted):
        return pa.struct([(member.name, parser_type(member.type)) for member in wanted])
    known = (
        kinds.is_integer(wanted)
        or kinds.is_floating(wanted)
        or kinds.is_boolean(wanted)
        or kinds.is_timestamp(wanted)
        or kinds.is_decimal128(wanted)
    )
    return wanted if known and not kinds.is_float16(wanted) else pa.string()


def infer_json(data: bytes) -> pa.Schema:
    """Types by the values of a block: whole numbers, numbers, texts, days, points in time, lists, structs."""
    table = read_json(data, None)
    fields: list[pa.Field] = []
    for item in table.schema:
        arrow = item.type
        if pa.types.is_timestamp(arrow):
            texts = read_json(data, pa.schema([(item.name, pa.string())])).column(item.name)
            arrow = _time_type(texts)
        fields.append(pa.field(item.name, settled_type(arrow)))
    return pa.schema(fields)


def _time_type(texts: pa.Array) -> pa.DataType:
    if pc.all(pc.match_substring_regex(texts, _DAY)).as_py():
        return pa.date32()
    return pa.timestamp("us", "UTC" if pc.any(pc.match_substring_regex(texts, _ZONE)).as_py() else None)


def _dates(data: pa.RecordBatch, columns: pa.Schema) -> pa.RecordBatch:
    """Days were read as points in time: back to days, where they are at midnight."""
    for place, item in enumerate(data.schema):
        wanted = columns.field(item.name).type if item.name in columns.names else None
        if wanted is not None and pa.types.is_date(wanted) and pa.types.is_timestamp(item.type):
            days = data.column(place).cast(wanted, safe=True)
            data = data.set_column(place, pa.field(item.name, wanted), days)
    return data


def _texts_for_nulls(data: pa.RecordBatch) -> pa.RecordBatch:
    for place, item in enumerate(data.schema):
        if pa.types.is_null(item.type):
            data = data.set_column(place, pa.field(item.name, pa.string()), pa.nulls(data.num_rows, pa.string()))
    return data


class CarefulJson:
    """Parses records of which some are bad: halves them until each of those is alone.

    Args:
        table: How records become rows.
        places: Names the places of bad records.
    """

    def __init__(self, table: JsonTable, places: Places) -> None:
        self._table = table
        self._places = places
        self._texts = [item.name for item in table.columns if pa.types.is_string(item.type)]
        self._rejects: list[tuple[int, Reject]] = []
        self._good: list[pa.RecordBatch] = []
        self._records: list[Record] = []

    def parse(self, records: Sequence[Record]) -> Parsed:
        """The good records as rows, the others as rejects."""
        for record in records:
            self._check(record)
        self._halve(0, len(self._records))
        rejects = tuple(reject for _, reject in sorted(self._rejects, key=lambda item: item[0]))
        return Parsed(self._joined(), rejects)

    def _joined(self) -> pa.RecordBatch:
        if len(self._good) < 2:
            return self._good[0] if self._good else self._table.finish(self._table.nothing()).data
        tables = [pa.Table.from_batches([batch]) for batch in self._good]
        joined = pa.concat_tables(tables, promote_options="permissive").combine_chunks().to_batches()
        return joined[0] if joined else self._good[0]

    def _check(self, record: Record) -> None:
        """Keep a record that is a JSON object; texts may be given as other values, which are kept as JSON."""
        try:
            value = json.loads(record.data, parse_float=Decimal)
        except UnicodeDecodeError as error:
            where = f"byte {record.byte + error.start:,}"
            self._reject(
                record, f"the text is not valid UTF-8 at {where}; give the file's encoding, as encoding: latin-1"
            )
            return
        except json.JSONDecodeError as error:
            where = record.byte + len(error.doc[: error.pos].encode())
            self._reject(record, f"the record is no JSON: {error.msg} at byte {where:,}")
            return
        except (RecursionError, ValueError) as error:
            self._reject(record, f"the record is no JSON that can be read: {error}")
            return
        if not isinstance(value, dict):
            self._reject(record, f"the record is no JSON object but {_kind(value)}")
            return
        fields = cast("dict[str, Any]", value)
        others = [name for name in self._texts if not isinstance(fields.get(name), str | None)]
        fields.update({name: _dumps(fields[name]) for name in others})
        self._records.append(record._replace(data=_dumps(fields).encode()) if others else record)

    def _halve(self, low: int, high: int) -> None:
        if low >= high:
            return
        try:
            parsed = self._table.parse(b"\n".join(record.data for record in self._records[low:high]))
            finished = self._table.finish(parsed)
        except pa.ArrowInvalid as error:
            if high - low == 1:
                self._explain(self._records[low], str(error))
                return
        else:
            if not finished.rejects:
                self._good.append(finished.data)
                return
            if high - low == 1:
                reject = finished.rejects[0]
                self._reject(self._records[low], reject.error, reject.record, reject.field)
                return
        middle = (low + high) // 2
        self._halve(low, middle)
        self._halve(middle, high)

    def _explain(self, record: Record, error: str) -> None:
        """Reject one record, naming the field and the value where that is what is wrong."""
        fields = json.loads(record.data, parse_float=Decimal)
        once = _dumps(fields).encode()
        if once != record.data and self._fits(once):  # a name that was given twice: the last one counts
            self._good.append(self._table.finish(self._table.parse(once)).data)
            return
        shown = json.loads(record.data)
        for item in self._table.columns:
            if item.name in fields and not self._fits(_dumps({item.name: fields[item.name]}).encode(), item):
                declared = item.name in self._table.declared
                value = fields[item.name]
                given = value if isinstance(value, str) else _Shown(_dumps(value))
                self._reject(record, misfit(item.name, given, item.type, declared=declared), shown, item.name)
                return
        self._reject(record, f"the record can't be read: {error}", shown)

    def _fits(self, data: bytes, item: pa.Field | None = None) -> bool:
        table = (
            self._table if item is None else JsonTable(pa.schema([item]), self._table.declared, self._table.split_id)
        )
        try:
            return not table.finish(table.parse(data)).rejects
        except pa.ArrowInvalid:
            return False

    def _reject(
        self, record: Record, reason: str, fields: Mapping[str, Any] | str | None = None, field: str | None = None
    ) -> None:
        place = self._places.name(record.lines, record.byte)
        whole = text_of(record.data) if fields is None else fields
        self._rejects.append((record.byte, reject_at(place, reason, whole, self._table.split_id, field)))


class _Shown(str):
    """A value that stands in a message as it stands in the file, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _dumps(value: Any) -> str:
    """JSON with all digits of the numbers."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=lambda number: f"\ue000{number}\ue000")
    return _EXACT.sub(r"\1", text)


def _kind(value: Any) -> str:
    names = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


class JsonParser(Parser):
    """What the parsers of both JSON formats have in common.

    Args:
        table: How records become rows.
        places: Names the places of bad records.
    """

    def __init__(self, table: JsonTable, places: Places) -> None:
        self._table = table
        self._places = places

    def nothing(self) -> pa.RecordBatch:
        """No rows."""
        return self._table.finish(self._table.nothing()).data

    def carefully(self, records: Sequence[Record]) -> Parsed:
        """The good records as rows, the others as rejects."""
        return CarefulJson(self._table, self._places).parse(records)


__all__ = ["CarefulJson", "JsonParser", "JsonTable", "Record", "infer_json", "read_json"]
