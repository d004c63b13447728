"""What PostgreSQL says of tables and queries."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from active_data_flow.connectors.sql.reading.catalog import UNBOUNDED_DECIMAL, Catalog, Column, Keys, grouped
from active_data_flow.core.errors import SourceError

_COLUMNS = """
SELECT a.attname::text, a.attnotnull,
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
                      ELSE format_type(a.atttypid, a.atttypmod) END,
       format_type(a.atttypid, -1)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_KEYS = """
SELECT i.indexrelid::bigint, i.indisprimary, a.attname::text
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND k.place <= i.indnkeyatts
ORDER BY NOT i.indisprimary, i.indexrelid, k.place
"""
_TABLES = """
SELECT relname::text FROM pg_class
WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
      AND CASE WHEN $1 = '' THEN pg_table_is_visible(oid) AND relnamespace <> 'pg_catalog'::regnamespace
               ELSE relnamespace = to_regnamespace($1) END
"""
_VIEW = "adf_source_query"
_PLAIN: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "bytea": pa.binary(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "date": pa.date32(),
    "time without time zone": pa.time64("us"),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "text": pa.string(),
    "character varying": pa.string(),
    "character": pa.string(),
    "json": pa.string(),
    "jsonb": pa.string(),
}
_IN_LISTS = _PLAIN.keys() - {"json", "jsonb", "bytea", "time without time zone", "character"}


class PostgresqlCatalog(Catalog):
    """PostgreSQL."""

    def keys(self) -> Keys:
        """Primary key and unique indexes."""
        return grouped((row[0], row[1], row[2]) for row in self.session.fetch(_KEYS, [self.table_name]))

    def rows(self) -> int:
        """What the statistics say; counted where there are none."""
        found = self.session.fetch(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)", [self.table_name]
        )
        return int(found[0][0]) if found and found[0][0] > 0 else super().rows()

    def _table_columns(self) -> list[Column]:
        return self._described(self.table_name)

    def _query_columns(self) -> list[Column]:
        """Of a temporary view, which knows the precision of decimals; of the bare result where there may be none."""
        try:
            self.session.execute("BEGIN READ WRITE")
            self.session.in_transaction = True
            self.session.execute(f"CREATE TEMPORARY VIEW {_VIEW} AS {self._null_query()}")
            return self._described(f"pg_temp.{_VIEW}")
        except SourceError:
            self.session.rollback()
            return self._result_columns()
        finally:
            self.session.rollback()

    def _result_columns(self) -> list[Column]:
        assert self.source.query is not None
        with self.session.stream(f"SELECT * FROM (\n{self._null_query()}\n) AS result LIMIT 0") as result:  # noqa: S608  # the user's query
            return [self._of_result(field) for field in result.schema]

    def _of_result(self, field: pa.Field) -> Column:
        names = {arrow: name for name, arrow in reversed(_PLAIN.items())}
        kind = getattr(field.type, "type_name", "text")
        return self._column(field.name, names.get(field.type, "numeric" if kind == "numeric" else "text"))

    def _described(self, name: str) -> list[Column]:
        rows = self.session.fetch(_COLUMNS, [name])
        return [self._column(column, form, cast_type, nullable=not filled) for column, filled, form, cast_type in rows]

    def _column(self, name: str, form: str, cast_type: str = "text", *, nullable: bool = True) -> Column:
        reference = self.reference(name)
        arrow, cast = arrow_type(form)
        expression = f"{reference}::{cast}" if cast else reference
        return Column(name, arrow, expression, reference, cast_type, nullable)

    def _table_names(self) -> Iterable[str]:
        namespace = self.session.quote(self.source.namespace) if self.source.namespace else ""
        return [name for (name,) in self.session.fetch(_TABLES, [namespace])]


def arrow_type(form: str) -> tuple[pa.DataType, str]:
    """Type in batches of a type that is named as `format_type` does, and what it must be cast to on the way, if so.

    What Arrow has no type for comes as text, as PostgreSQL writes it.
    """
    if form.endswith("[]"):
        return _list_type(form[:-2])
    bare = re.sub(r"\(.*?\)", "", form).strip()
    if bare == "numeric":
        return _decimal(form)
    if bare == "oid":
        return pa.int64(), "bigint"
    if bare == "money":
        return pa.decimal128(19, 2), "numeric"
    return (_PLAIN[bare], "") if bare in _PLAIN else (pa.string(), "text")


def _list_type(form: str) -> tuple[pa.DataType, str]:
    bare = re.sub(r"\(.*?\)", "", form).strip()
    # the driver forgets the dimensions of arrays; those of one dimension are what tables have
    return (pa.list_(_PLAIN[bare]), "") if bare in _IN_LISTS else (pa.list_(pa.string()), "text[]")


def _decimal(form: str) -> tuple[pa.DataType, str]:
    numbers = [int(number) for number in re.findall(r"-?\d+", form)]
    if not numbers:
        return UNBOUNDED_DECIMAL, ""
    precision, scale = numbers
    precision, scale = (precision - scale, 0) if scale < 0 else (max(precision, scale), scale)
    if precision <= 38:
        return pa.decimal128(precision, scale), ""
    return (pa.decimal256(precision, scale), "") if precision <= 76 else (pa.string(), "text")


__all__ = ["PostgresqlCatalog", "arrow_type"]
