"""What MySQL and MariaDB say of tables and queries."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from active_data_flow.connectors.sql.reading.catalog import Catalog, Column, Keys, grouped
from active_data_flow.connectors.sql.reading.statement import Bound

_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "bigint": 64}
_INTEGER_TYPES: dict[tuple[int, bool], pa.DataType] = {
    (8, False): pa.int8(),
    (8, True): pa.uint8(),
    (16, False): pa.int16(),
    (16, True): pa.uint16(),
    (32, False): pa.int32(),
    (32, True): pa.uint32(),
    (64, False): pa.int64(),
    (64, True): pa.uint64(),
}
_AS_TEXT: dict[str, pa.DataType] = {
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", "UTC"),
    "time": pa.time64("us"),
}
_BINARY = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "geometry", "point", "polygon"}


class MysqlCatalog(Catalog):
    """MySQL and MariaDB."""

    def keys(self) -> Keys:
        """Primary key and unique indexes."""
        rows = self._information(
            "SELECT index_name, index_name = 'PRIMARY', column_name FROM information_schema.statistics",
            "non_unique = 0 AND sub_part IS NULL AND column_name IS NOT NULL "
            "ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index",
        )
        return grouped((row[0], row[1], row[2]) for row in rows)

    def rows(self) -> int:
        """What the statistics say."""
        found = self._information("SELECT table_rows FROM information_schema.tables", "table_rows IS NOT NULL")
        return int(str(found[0][0])) if found else super().rows()

    def _table_columns(self) -> list[Column]:
        rows = self._information(
            "SELECT column_name, column_type, is_nullable FROM information_schema.columns",
            "1 = 1 ORDER BY ordinal_position",
        )
        return [self._column(str(name), str(form).lower(), nullable=answer != "NO") for name, form, answer in rows]

    def _query_columns(self) -> list[Column]:
        bound = Bound(self.session)
        statement = f"SELECT * FROM {self.relation(bound)} LIMIT 0"  # noqa: S608  # the user's query
        with self.session.stream(statement, bound.prepare()) as result:
            return [self._of_result(field) for field in result.schema]

    def _of_result(self, field: pa.Field) -> Column:
        forms = {pa.date32(): "date", pa.timestamp("us"): "datetime", pa.duration("us"): "time"}
        if field.type in forms:
            return self._column(field.name, forms[field.type], nullable=True)
        if pa.types.is_decimal(field.type):
            form = f"decimal({field.type.precision},{field.type.scale})"
            return self._column(field.name, form, nullable=True)
        reference = self.reference(field.name)
        return Column(field.name, field.type, reference, reference)

    def _column(self, name: str, form: str, *, nullable: bool) -> Column:
        reference = self.reference(name)
        arrow, expression = _read_as(form, reference)
        return Column(name, arrow, expression, reference, form, nullable)

    def _information(self, select: str, condition: str) -> list[tuple[object, ...]]:
        bound = Bound(self.session)
        schema = bound.bind(self.source.namespace)
        table = bound.bind(self.source.table)
        where = f"table_schema = coalesce({schema}, database()) AND table_name = {table} AND {condition}"
        return self.ask(f"{select} WHERE {where}", bound)

    def _table_names(self) -> Iterable[str]:
        bound = Bound(self.session)
        schema = bound.bind(self.source.namespace)
        statement = (
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = coalesce({schema}, database())"  # noqa: S608  # the name is bound
        )
        return [str(name) for (name,) in self.ask(statement, bound)]


def _read_as(form: str, reference: str) -> tuple[pa.DataType, str]:  # noqa: PLR0911  # one return a kind of type reads best
    """Type in batches and expression of a type as MySQL names it.

    Times and decimals are read as text: Arrow parses whole columns of it, and a date of zeros becomes one bad record.
    """
    bare = re.split(r"[ (]", form)[0]
    numbers = [int(number) for number in re.findall(r"\d+", form)]
    if bare in ("tinyint", "bit") and numbers == [1]:
        return pa.bool_(), f"{reference} + 0"
    if bare == "bit":
        return pa.uint64(), f"{reference} + 0"
    if bare in _INTEGERS:
        return _INTEGER_TYPES[_INTEGERS[bare], "unsigned" in form], reference
    if bare == "decimal":
        precision, scale = [*numbers, 0][:2]
        kind = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
        return kind, f"CAST({reference} AS CHAR)"
    if bare in _AS_TEXT:
        return _AS_TEXT[bare], f"CAST({reference} AS CHAR)"
    if bare in ("float", "double"):
        return pa.float64(), reference
    if bare == "year":
        return pa.int16(), reference
    return (pa.binary() if bare in _BINARY else pa.string()), reference


__all__ = ["MysqlCatalog"]
