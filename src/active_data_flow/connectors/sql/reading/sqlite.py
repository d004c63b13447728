"""What SQLite says of tables and queries; its columns may hold values of any type, whatever they declare."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from active_data_flow.connectors.sql.reading.catalog import ALIAS, UNBOUNDED_DECIMAL, Catalog, Column, Keys, grouped
from active_data_flow.connectors.sql.reading.statement import Bound
from active_data_flow.core.errors import SourceError

ROWID = "_rowid_"
_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?1) WHERE hidden <> 1'
_KEYS = """
SELECT i.seq, i.origin = 'pk', k.name
FROM pragma_index_list(?1) AS i, pragma_index_info(i.name) AS k
WHERE i."unique" = 1 AND i.partial = 0 AND k.name IS NOT NULL
ORDER BY i.seq, k.seqno
"""
_VIEW = "adf_source_query"
_LOOKED_AT = 10_000
_ARROW: dict[str, pa.DataType] = {"integer": pa.int64(), "real": pa.float64(), "text": pa.string(), "blob": pa.binary()}


class SqliteCatalog(Catalog):
    """SQLite."""

    version_query = "SELECT 'SQLite ' || sqlite_version()"

    def keys(self) -> Keys:
        """Primary key and unique indexes; the row's own number where the primary key may hold NULL or there is none."""
        table = self.source.table
        keys = grouped((row[0], row[1], row[2]) for row in self.session.fetch(_KEYS, [table]))
        columns = self.session.fetch(f"{_COLUMNS} ORDER BY pk", [table])
        primary = tuple(str(name) for name, _, _, place in columns if place)
        filled = {str(name) for name, _, required, _ in columns if required}
        if self._is_row_number([(str(kind), int(place)) for _, kind, _, place in columns]):
            return Keys(primary, (*keys.unique, primary))
        if primary and (filled.issuperset(primary) or not self._has_row_numbers()):
            return Keys(primary, (*keys.unique, primary))
        return Keys((ROWID,), (*keys.unique, (ROWID,))) if self._has_row_numbers() else keys

    @property
    def paged(self) -> bool:
        """Whether a reader locks writers out: without a write-ahead log it does."""
        return self.session.fetch("PRAGMA journal_mode")[0][0] != "wal"

    def as_key(self, column: Column) -> Column:
        """Decimals with all digits that their floating-point numbers have."""
        if not pa.types.is_decimal(column.type):
            return column
        return replace(column, expression=_number_text(column.reference, 17))

    def row_number(self) -> Column:
        """The row's own number, as a column that is not read."""
        reference = f"{ALIAS}.{ROWID}"
        return Column(ROWID, pa.int64(), reference, reference, nullable=False, stored="integer")

    def _table_columns(self) -> list[Column]:
        rows = self.session.fetch(_COLUMNS, [self.source.table])
        single = self._is_row_number([(str(kind), int(place)) for _, kind, _, place in rows])
        return [
            self._column(str(name), str(kind), nullable=not (required or (single and place)))
            for name, kind, required, place in rows
        ]

    def _query_columns(self) -> list[Column]:
        """Of a temporary view: columns that come straight from a table have its declared types."""
        self.session.execute("PRAGMA query_only = off")
        try:
            self.session.execute(f"CREATE TEMPORARY VIEW {_VIEW} AS {self._null_query()}")
            rows = self.session.fetch(_COLUMNS, [_VIEW])
            self.session.execute(f"DROP VIEW temp.{_VIEW}")
        finally:
            self.session.execute("PRAGMA query_only = on")
        return [self._column(str(name), str(kind), nullable=True) for name, kind, _, _ in rows]

    def _column(self, name: str, declared: str, *, nullable: bool) -> Column:
        reference = self.reference(name)
        arrow, stored = declared_type(declared) if declared else self._looked_up(reference)
        expression = reference
        if pa.types.is_decimal(arrow):
            # as many digits as every decimal keeps in a floating-point number
            expression = _number_text(reference, 15)
        elif not (declared or stored):
            expression = f"CAST({reference} AS TEXT)"
        elif stored == "real" and not declared:
            # whole numbers are stored as integers where the column has no affinity for reals
            expression = f"CASE typeof({reference}) WHEN 'integer' THEN CAST({reference} AS REAL) ELSE {reference} END"
        return Column(name, arrow, expression, reference, declared, nullable, stored or "text")

    def _looked_up(self, reference: str) -> tuple[pa.DataType, str]:
        """Type of a column without declaration, by its first rows."""
        bound = Bound(self.session)
        first = f"SELECT {reference} AS value FROM {self.relation(bound)} LIMIT {_LOOKED_AT}"  # noqa: S608  # names are quoted
        rows = self.ask(f"SELECT DISTINCT typeof(value) FROM ({first})", bound)  # noqa: S608  # as above
        kinds = {str(kind) for (kind,) in rows} - {"null"}
        if kinds == {"integer", "real"}:
            kinds = {"real"}
        stored = kinds.pop() if len(kinds) == 1 else ""
        return _ARROW.get(stored, pa.string()), stored

    def _has_row_numbers(self) -> bool:
        found = self.session.fetch("SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", [self.source.table])
        if not found or found[0][0] != "table":
            return False
        try:
            self.session.fetch(f"SELECT {ROWID} FROM {self.table_name} LIMIT 0")  # noqa: S608  # the name is quoted
        except SourceError:
            return False  # WITHOUT ROWID
        return True

    def _is_row_number(self, columns: list[tuple[str, int]]) -> bool:
        key = [kind.upper() for kind, place in columns if place]
        return key == ["INTEGER"]

    def _table_names(self) -> Iterable[str]:
        rows = self.session.fetch(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        )
        return [str(name) for (name,) in rows]


def declared_type(declared: str) -> tuple[pa.DataType, str]:  # noqa: PLR0911  # one return a kind of type reads best
    """Type in batches and kind of stored value of a declared type, by SQLite's rules where they say it."""
    text = declared.upper()
    bare = re.sub(r"\(.*?\)", "", text).strip()
    if "BOOL" in text:
        return pa.bool_(), "integer"
    if bare.startswith(("TIMESTAMP", "DATETIME")):
        return pa.timestamp("us", "UTC" if "TZ" in bare or "WITH TIME ZONE" in bare else None), "text"
    if bare in ("DATE", "TIME"):
        return (pa.date32() if bare == "DATE" else pa.time64("us")), "text"
    if bare.startswith(("DECIMAL", "NUMERIC", "NUMBER", "DEC")):
        return _decimal(text), "text"
    if "INT" in text:
        return pa.int64(), "integer"
    if any(part in text for part in ("CHAR", "CLOB", "TEXT", "JSON", "UUID", "STRING", "ENUM")):
        return pa.string(), "text"
    if "BLOB" in text or "BINARY" in text or "BYTEA" in text:
        return pa.binary(), "blob"
    if any(part in text for part in ("REAL", "FLOA", "DOUB")):
        return pa.float64(), "real"
    return pa.string(), "text"


def _number_text(reference: str, digits: int) -> str:
    number = f"printf('%!.{digits}g', {reference})"
    return f"CASE typeof({reference}) WHEN 'real' THEN {number} ELSE CAST({reference} AS TEXT) END"


def _decimal(text: str) -> pa.DataType:
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if not numbers or numbers[0] > 38:
        return UNBOUNDED_DECIMAL
    return pa.decimal128(numbers[0], numbers[1] if len(numbers) > 1 else 0)


__all__ = ["ROWID", "SqliteCatalog", "declared_type"]
