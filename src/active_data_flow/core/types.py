"""The types of fields as documents write them: ``int64``, ``decimal(12,2)``, ``timestamp[us, UTC]``, ``list<int8>``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, NoReturn

import pyarrow as pa

from active_data_flow.core.errors import ConfigurationError, SchemaError
from active_data_flow.core.near_names import near_names

_PLAIN: dict[str, pa.DataType] = {
    "binary": pa.binary(),
    "binary_view": pa.binary_view(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "date64": pa.date64(),
    "float16": pa.float16(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "int8": pa.int8(),
    "large_binary": pa.large_binary(),
    "large_string": pa.large_string(),
    "null": pa.null(),
    "string": pa.string(),
    "string_view": pa.string_view(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "uint8": pa.uint8(),
}
_ALIASES: dict[str, pa.DataType] = {
    "bytes": pa.binary(),
    "boolean": pa.bool_(),
    "date32": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
    "decimal": pa.decimal128(38, 9),
    "double": pa.float64(),
    "float": pa.float64(),
    "int": pa.int64(),
    "integer": pa.int64(),
    "str": pa.string(),
    "text": pa.string(),
}
_TEXTS = {arrow: text for text, arrow in _PLAIN.items()}
_WITH_PARAMETERS = ("decimal", "duration", "fixed_binary", "large_list", "list", "map", "struct", "time", "timestamp")
_EXAMPLES = {
    "duration": "duration[us]",
    "fixed_binary": "fixed_binary(16)",
    "large_list": "large_list<int64>",
    "list": "list<int64>",
    "map": "map<string, int64>",
    "struct": "struct<a: int64, b: string?>",
}
_TOKEN = re.compile(r"\s*([A-Za-z_][\w/+-]*|\d+|[<>\[\](),:?]|\"(?:[^\"]|\"\")*\"|\S)")
_UNITS = ("s", "ms", "us", "ns")
_BARE_NAME = re.compile(r"[A-Za-z_]\w*")


class FieldType(NamedTuple):
    """A type and whether null is allowed beside its values."""

    type: pa.DataType
    nullable: bool


@lru_cache(maxsize=1024)
def parse_type(text: str) -> FieldType:
    """The Arrow type that a text names.

    Args:
        text: ``int8`` … ``int64``, ``uint8`` … ``uint64``, ``float32``, ``float64``, ``bool``, ``string``, ``binary``,
            ``date``, ``time`` or ``time[ms]``, ``timestamp``, ``timestamp[us]`` or ``timestamp[us, Europe/Oslo]``,
            ``duration[us]``, ``decimal(12,2)``, ``list<int64>``, ``struct<a: int64, b: string?>``,
            ``map<string, int64>``; Python's names are aliases, see `arrow_schema`. A ``?`` behind a type allows null.

    Raises:
        ConfigurationError: The text names no type; suggests near names.

    Example:
        >>> parse_type("list<int64>?")
        FieldType(type=ListType(list<item: int64 not null>), nullable=True)
    """
    return _Parser(text).parse()


def type_text(arrow: pa.DataType, *, nullable: bool = False) -> str:
    """The text that `parse_type` reads as this type; dictionary-encoded types are named by their values.

    Raises:
        SchemaError: The type can't be written in a document (unions, extension types).
    """
    return _text(arrow) + ("?" if nullable else "")


def _text(arrow: pa.DataType) -> str:  # noqa: C901, PLR0911  # one return a kind of type reads best
    types = pa.types
    if types.is_dictionary(arrow):
        return _text(arrow.value_type)
    if arrow in _TEXTS:
        return _TEXTS[arrow]
    if types.is_decimal(arrow):
        return f"decimal({arrow.precision},{arrow.scale})"
    if types.is_timestamp(arrow):
        return f"timestamp[{arrow.unit}, {arrow.tz}]" if arrow.tz else f"timestamp[{arrow.unit}]"
    if types.is_time(arrow) or types.is_duration(arrow):
        return f"{'time' if types.is_time(arrow) else 'duration'}[{arrow.unit}]"
    if types.is_fixed_size_binary(arrow):
        return f"fixed_binary({arrow.byte_width})"
    if types.is_map(arrow):
        return f"map<{_text(arrow.key_type)}, {_member(arrow.item_field)}>"
    if types.is_list(arrow) or types.is_fixed_size_list(arrow) or types.is_list_view(arrow):
        return f"list<{_member(arrow.value_field)}>"
    if types.is_large_list(arrow) or types.is_large_list_view(arrow):
        return f"large_list<{_member(arrow.value_field)}>"
    if types.is_struct(arrow):
        return f"struct<{', '.join(f'{_quoted(member.name)}: {_member(member)}' for member in arrow)}>"
    raise SchemaError(f"the Arrow type {arrow} has no name in a document; cast it first")


def _member(field: pa.Field) -> str:
    return type_text(field.type, nullable=field.nullable)


def _quoted(name: str) -> str:
    return name if _BARE_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [match.group(1) for match in _TOKEN.finditer(text)]
        self._next = 0

    def parse(self) -> FieldType:
        result = self._field_type()
        if self._next < len(self._tokens):
            self._fail(f"{self._tokens[self._next]!r} is too much")
        return result

    def _field_type(self) -> FieldType:
        arrow = self._type()
        return FieldType(arrow, self._accept("?") or bool(pa.types.is_null(arrow)))

    def _type(self) -> pa.DataType:
        name = self._take().lower()
        follows = self._tokens[self._next] if self._next < len(self._tokens) else ""
        parse = getattr(self, f"_{name}", None) if name in _WITH_PARAMETERS and follows in ("(", "[", "<") else None
        if parse is not None:
            return parse()
        arrow = _PLAIN.get(name) or _ALIASES.get(name)
        if arrow is None:
            self._unknown(name)
        return arrow

    def _decimal(self) -> pa.DataType:
        precision, scale = (*self._numbers(), 0)[:2]
        if not 1 <= precision <= 76 or not 0 <= scale <= precision:
            self._fail("a decimal has 1 to 76 digits, of which 0 or more are behind the point")
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)

    def _fixed_binary(self) -> pa.DataType:
        return pa.binary(self._numbers()[0])

    def _time(self) -> pa.DataType:
        unit = self._words()[0]
        return pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)

    def _timestamp(self) -> pa.DataType:
        words = self._words()
        return pa.timestamp(*words[:2])

    def _duration(self) -> pa.DataType:
        return pa.duration(self._words()[0])

    def _list(self) -> pa.DataType:
        return pa.list_(self._item())

    def _large_list(self) -> pa.DataType:
        return pa.large_list(self._item())

    def _map(self) -> pa.DataType:
        self._expect("<")
        key = self._field_type()
        self._expect(",")
        item = self._field_type()
        self._expect(">")
        if key.nullable:
            self._fail("the key of a map is never null")
        return pa.map_(key.type, pa.field("value", item.type, item.nullable))

    def _struct(self) -> pa.DataType:
        self._expect("<")
        members = list(self._members())
        if len({member.name for member in members}) < len(members):
            self._fail("two members have the same name")
        return pa.struct(members)

    def _members(self) -> Iterator[pa.Field]:
        while not self._accept(">"):
            name = self._take()
            if name.startswith('"'):
                name = name[1:-1].replace('""', '"')
            self._expect(":")
            member = self._field_type()
            yield pa.field(name, member.type, member.nullable)
            if not self._accept(","):
                self._expect(">")
                return

    def _item(self) -> pa.Field:
        self._expect("<")
        item = self._field_type()
        self._expect(">")
        return pa.field("item", item.type, item.nullable)

    def _numbers(self) -> list[int]:
        words = self._enclosed("(", ")")
        if not 1 <= len(words) <= 2 or not all(word.isdecimal() for word in words):
            self._fail("numbers are expected in the parentheses")
        return [int(word) for word in words]

    def _words(self) -> list[str]:
        words = self._enclosed("[", "]")
        if words[:1] == [] or words[0] not in _UNITS or len(words) > 2:
            self._fail(f"a unit is expected in the brackets: {', '.join(_UNITS)}")
        return words

    def _enclosed(self, start: str, end: str) -> list[str]:
        self._expect(start)
        words: list[str] = []
        while not self._accept(end):
            word = self._take()
            while self._next < len(self._tokens) and self._tokens[self._next] not in (",", end):
                word += self._take()  # a zone as +01:00
            words.append(word)
            if self._accept(","):
                continue
        return words

    def _take(self) -> str:
        if self._next >= len(self._tokens):
            self._fail("it ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _accept(self, token: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == token:
            self._next += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            given = self._tokens[self._next] if self._next < len(self._tokens) else "the end"
            self._fail(f"{token!r} is expected in place of {given!r}")

    def _unknown(self, name: str) -> NoReturn:
        if name in _WITH_PARAMETERS:
            self._fail(f"{name!r} says what is in it, as {_EXAMPLES[name]}")
        known = {*_PLAIN, *_ALIASES, *_WITH_PARAMETERS}
        self._fail(f"{name!r} is no type{near_names(name, known)}")

    def _fail(self, why: str) -> NoReturn:
        raise ConfigurationError(f"type {self._text!r}: {why}")


__all__ = ["FieldType", "parse_type", "type_text"]
