"""Arrow types and column types of the databases.

How values are kept where a database has no such type, so that they come back as they were:

- SQLite: ``DATE`` as ``2013-01-31``, ``TIMESTAMP`` as ``2013-01-31 05:15:00.000000``, with zone (``TIMESTAMPTZ``) in
  UTC with a ``Z`` behind it, ``TIME`` as ``05:15:00.000000``; ``DECIMAL(p,s)`` as a number up to 15 digits, with more
  as text (``DECIMAL_TEXT(p,s)``); ``BOOLEAN`` as 0 and 1. NaN becomes NULL.
- MySQL, MariaDB: timestamps with zone as ``DATETIME(6)`` in UTC.
- Durations are integers, in microseconds. Structs, maps, and lists where there are no arrays, are JSON.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.client import DialectName

UTC = pa.timestamp("us", "UTC")
NAIVE = pa.timestamp("us")
_EXACT_DIGITS = 15
_MYSQL_KEY_LENGTH = 255


@lru_cache(maxsize=1024)
def plain(kind: pa.DataType) -> pa.DataType:  # noqa: PLR0911  # one answer a line
    """The type without what no database knows: dictionaries, views, units, zones other than UTC."""
    is_ = pa.types
    if is_.is_dictionary(kind):
        return plain(kind.value_type)
    if is_.is_timestamp(kind):
        return UTC if kind.tz else NAIVE
    if is_.is_date(kind):
        return pa.date32()
    if is_.is_time(kind):
        return pa.time64("us")
    if is_.is_duration(kind):
        return pa.int64()
    if is_.is_large_string(kind) or is_.is_string_view(kind) or is_.is_null(kind):
        return pa.string()
    if is_.is_large_binary(kind) or is_.is_binary_view(kind) or is_.is_fixed_size_binary(kind):
        return pa.binary()
    if is_.is_float16(kind):
        return pa.float32()
    if is_.is_decimal(kind):
        return pa.decimal128(min(kind.precision, 38), kind.scale)
    return kind


def is_nested(kind: pa.DataType) -> bool:
    """Whether values of the type have parts: lists, structs, maps."""
    return pa.types.is_nested(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether the type is a list of any make."""
    is_ = pa.types
    return is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind)


def column_type(kind: pa.DataType, dialect: DialectName, *, key: bool = False) -> str:
    """The column type in which a new column keeps values of an Arrow type.

    Args:
        kind: The Arrow type.
        dialect: The database's.
        key: The column is part of a key: MySQL's need a length.
    """
    kind = plain(kind)
    if is_nested(kind):
        return _nested_type(kind, dialect)
    if pa.types.is_decimal(kind):
        return _decimal_type(kind, dialect)
    if dialect == "mysql" and key and (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        length = f"({_MYSQL_KEY_LENGTH})"
        return f"VARCHAR{length} COLLATE utf8mb4_bin" if pa.types.is_string(kind) else f"VARBINARY{length}"
    return _NAMES[dialect][str(kind)]


_NAMES: dict[DialectName, dict[str, str]] = {
    "postgresql": {
        "bool": "boolean",
        "int8": "smallint",
        "int16": "smallint",
        "int32": "integer",
        "int64": "bigint",
        "uint8": "smallint",
        "uint16": "integer",
        "uint32": "bigint",
        "uint64": "numeric(20,0)",
        "float": "real",
        "double": "double precision",
        "string": "text",
        "binary": "bytea",
        "date32[day]": "date",
        "time64[us]": "time",
        str(NAIVE): "timestamp",
        str(UTC): "timestamptz",
    },
    "sqlite": dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), "INTEGER")
    | {
        "bool": "BOOLEAN",
        "float": "REAL",
        "double": "REAL",
        "string": "TEXT",
        "binary": "BLOB",
        "date32[day]": "DATE",
        "time64[us]": "TIME",
        str(NAIVE): "TIMESTAMP",
        str(UTC): "TIMESTAMPTZ",
    },
    "mysql": {
        "bool": "BOOLEAN",
        "int8": "TINYINT",
        "int16": "SMALLINT",
        "int32": "INT",
        "int64": "BIGINT",
        "uint8": "TINYINT UNSIGNED",
        "uint16": "SMALLINT UNSIGNED",
        "uint32": "INT UNSIGNED",
        "uint64": "BIGINT UNSIGNED",
        "float": "DOUBLE",
        "double": "DOUBLE",
        "string": "LONGTEXT",
        "binary": "LONGBLOB",
        "date32[day]": "DATE",
        "time64[us]": "TIME(6)",
        str(NAIVE): "DATETIME(6)",
        str(UTC): "DATETIME(6)",
    },
}


def _nested_type(kind: pa.DataType, dialect: DialectName) -> str:
    if dialect == "postgresql" and is_list(kind) and not is_nested(kind.value_type):
        return f"{column_type(kind.value_type, dialect)}[]"
    return "jsonb" if dialect == "postgresql" else "JSON"


def _decimal_type(kind: pa.DataType, dialect: DialectName) -> str:
    # no database takes a negative scale everywhere; the digits before the point grow by it
    precision, scale = (kind.precision, kind.scale) if kind.scale >= 0 else (min(38, kind.precision - kind.scale), 0)
    if dialect == "sqlite":
        return f"{'DECIMAL' if precision <= _EXACT_DIGITS else 'DECIMAL_TEXT'}({precision},{scale})"
    return f"{'numeric' if dialect == 'postgresql' else 'DECIMAL'}({precision},{min(scale, 30)})"


def arrow_type(declared: str, dialect: DialectName) -> pa.DataType | None:
    """The Arrow type of a column's values; None where Arrow has none (PostgreSQL) or the column takes all (SQLite)."""
    text = " ".join(declared.lower().split())
    if text.endswith("[]"):
        element = arrow_type(text[:-2], dialect)
        return None if element is None or is_nested(element) else pa.list_(element)
    name, precision, scale = _parts(text)
    if name in _DECIMALS:
        return _decimal(precision, scale)
    return _by_name(name, text, dialect)


_DECIMALS = {"numeric", "decimal", "decimal_text"}


def _parts(text: str) -> tuple[str, int | None, int]:
    found = re.fullmatch(r"([a-z_ ]+?)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)(.*)", text)
    if not found:
        return text, None, 0
    name = (found[1] + found[4]).strip()
    return name, int(found[2]), int(found[3] or 0)


def _decimal(precision: int | None, scale: int) -> pa.DataType | None:
    return None if precision is None or precision > 38 else pa.decimal128(precision, scale)


def _by_name(name: str, text: str, dialect: DialectName) -> pa.DataType | None:
    if dialect == "postgresql":
        return _POSTGRESQL.get(name)
    if dialect == "mysql":
        return pa.bool_() if text == "tinyint(1)" else _MYSQL.get(re.sub(r" (zerofill|collate \w+)", "", name))
    return next((kind for pattern, kind in _SQLITE if re.search(pattern, name)), None)


_POSTGRESQL: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "text": pa.string(),
    "character varying": pa.string(),
    "character": pa.string(),
    "json": pa.string(),
    "jsonb": pa.string(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time without time zone": pa.time64("us"),
    "timestamp without time zone": NAIVE,
    "timestamp with time zone": UTC,
}
_SQLITE: tuple[tuple[str, pa.DataType], ...] = (
    (r"^bool", pa.bool_()),
    (r"int", pa.int64()),
    (r"char|clob|text|json|uuid", pa.string()),
    (r"blob|binary", pa.binary()),
    (r"real|floa|doub", pa.float64()),
    (r"timestamptz|timestamp with time zone", UTC),
    (r"timestamp|datetime", NAIVE),
    (r"^date$", pa.date32()),
    (r"^time$", pa.time64("us")),
)
_MYSQL: dict[str, pa.DataType] = {
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "mediumint": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "tinyint unsigned": pa.uint8(),
    "smallint unsigned": pa.uint16(),
    "mediumint unsigned": pa.uint32(),
    "int unsigned": pa.uint32(),
    "bigint unsigned": pa.uint64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "datetime": NAIVE,
    "timestamp": NAIVE,
    "year": pa.int16(),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json"), pa.string()),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), pa.binary()),
}


def as_json(column: pa.Array) -> pa.Array:
    """Nested values as JSON texts; what JSON doesn't have (dates, decimals) as text, bytes as hexadecimal."""
    return pa.array(
        [
            None
            if value is None
            else json.dumps(_keyed(value, column.type), default=_json_value, ensure_ascii=False, separators=(",", ":"))
            for value in column.to_pylist()
        ],
        pa.string(),
    )


def _keyed(value: Any, kind: pa.DataType) -> Any:
    """Maps, which Arrow gives as lists of pairs, as objects."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {str(key): _keyed(item, kind.item_type) for key, item in value}
    if pa.types.is_struct(kind):
        return {field.name: _keyed(value[field.name], field.type) for field in kind}
    if is_list(kind):
        return [_keyed(item, kind.value_type) for item in value]
    return value


def _json_value(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


__all__ = ["NAIVE", "UTC", "arrow_type", "as_json", "column_type", "is_list", "is_nested", "plain"]
