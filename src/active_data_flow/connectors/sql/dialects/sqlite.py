"""SQLite: prepared inserts inside the driver, one writer, a write-ahead log."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
from typing_extensions import override

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.dialects.dialect import ROW, Column, Dialect, Merge
from active_data_flow.connectors.sql.types import arrow_type

_EXACT_DIGITS = 15


class SqliteDialect(Dialect):
    """SQLite 3.35 or newer."""

    max_writers = 1
    fold_case = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._adbc = session.address.driver == "adbc"
        self.strategy = "prepared inserts by ADBC" if self._adbc else "executemany by sqlite3"

    @override
    def columns(self, namespace: str | None, table: str) -> list[Column] | None:
        rows = self.session.fetch(
            'SELECT name, type, "notnull", dflt_value IS NOT NULL, hidden, pk, '
            "(SELECT count(*) FROM pragma_table_xinfo(?1, ?2) WHERE pk > 0) "
            "FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1 ORDER BY cid",
            [table, namespace or "main"],
        )
        return [_column(*row) for row in rows] or None

    @override
    def unique_keys(self, namespace: str | None, table: str) -> list[frozenset[str]]:
        rows = self.session.fetch(
            "SELECT indexes.name, columns.name FROM pragma_index_list(?1, ?2) AS indexes "
            'JOIN pragma_index_info(indexes.name, ?2) AS columns WHERE indexes."unique" AND NOT indexes.partial',
            [table, namespace or "main"],
        )
        indexes: dict[str, set[str]] = {}
        for index, name in rows:  # an expression has no name, and is no column
            indexes.setdefault(index, set()).add(name or "")
        keys = frozenset(column.name for column in self.columns(namespace, table) or [] if column.key)
        return [frozenset(names) for names in indexes.values()] + ([keys] if keys else [])

    def lock_definitions(self, name: str) -> None:
        """A transaction for writing has the whole database already."""

    @override
    def ingests(self, column: Column) -> bool:
        return True

    def encode(self, values: pa.Array, column: Column) -> pa.Array:
        """Texts and numbers in the forms of `active_data_flow.connectors.sql.types`."""
        values = super().encode(values, column)
        is_ = pa.types
        if is_.is_decimal(values.type):
            return _nearest_floats(values) if values.type.precision <= _EXACT_DIGITS else values.cast(pa.string())
        if is_.is_temporal(values.type):
            return values.cast(pa.string())
        if is_.is_uint64(values.type):
            return values.cast(pa.int64())
        return values

    @override
    def create_stage(self, name: str, columns: Sequence[Column], target: str) -> str:
        stage = self.session.quote("temp", name)
        definitions = ", ".join(f"{self.session.quote(column.name)} {column.declared}" for column in columns)
        self.session.execute(f"DROP TABLE IF EXISTS {stage}")
        self.session.execute(
            f"CREATE TEMPORARY TABLE {self.session.quote(name)} ({definitions}, {ROW} INTEGER PRIMARY KEY)"
        )
        return stage

    @override
    def merge(self, merge: Merge, where: str) -> str:
        insert = self.insert_staged(merge, where)
        if not merge.keys:
            return insert
        keys = ", ".join(self.session.quote(key) for key in merge.keys)
        updates = ", ".join(f"{name} = excluded.{name}" for name in map(self.session.quote, merge.updated))
        return f"{insert} ON CONFLICT ({keys}) {f'DO UPDATE SET {updates}' if updates else 'DO NOTHING'}"

    @override
    def claim(self, epochs: str) -> str:
        return (
            f"INSERT INTO {epochs} (flow, epoch) VALUES (?1, ?2) "  # noqa: S608  # names are quoted
            "ON CONFLICT (flow) DO UPDATE SET epoch = max(epoch + 1, excluded.epoch)"
        )

    @override
    def fence(self, epochs: str) -> str:
        return f"SELECT epoch FROM {epochs} WHERE flow = ?1"  # noqa: S608  # names are quoted

    @override
    def save_positions(self, positions: str) -> str:
        return (
            f"INSERT INTO {positions} (flow, split_id, state, epoch) VALUES (?1, ?2, ?3, ?4) "  # noqa: S608  # names are quoted
            "ON CONFLICT (flow, split_id) DO UPDATE SET state = excluded.state, epoch = excluded.epoch, "
            "committed_at = CURRENT_TIMESTAMP"
        )

    @override
    def describe(self) -> str:
        return f"SQLite {self.session.fetch('SELECT sqlite_version()')[0][0]}"

    @override
    def create_like(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        master = self.session.quote(old[0] or "main", "sqlite_master")
        query = f"SELECT sql FROM {master} WHERE type = 'table' AND lower(name) = lower(?1)"  # noqa: S608  # names are quoted
        rows = self.session.fetch(query, [old[1]])
        name = r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|`[^`]*`|\[[^\]]*\]|[^\s(]+"
        quoted = self.session.quote(*new)
        self.session.execute(re.sub(rf"^CREATE TABLE\s+(?:{name})", lambda _: f"CREATE TABLE {quoted} ", rows[0][0]))

    def swap(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        """Indexes and triggers of the old table are made again for the new one."""
        master = self.session.quote(old[0] or "main", "sqlite_master")
        dependents = self.session.fetch(
            f"SELECT sql FROM {master} WHERE type IN ('index', 'trigger') "  # noqa: S608  # names are quoted
            "AND lower(tbl_name) = lower(?1) AND sql IS NOT NULL",
            [old[1]],
        )
        self.session.execute(f"DROP TABLE IF EXISTS {self.session.quote(*old)}")
        self.session.fetch("PRAGMA legacy_alter_table = ON")  # leaves views that name the old table as they are
        self.session.execute(f"ALTER TABLE {self.session.quote(*new)} RENAME TO {self.session.quote(old[1])}")
        self.session.fetch("PRAGMA legacy_alter_table = OFF")
        for (sql,) in dependents:
            self.session.execute(sql)

    def widen(self, namespace: str | None, table: str, column: Column, kind: pa.DataType) -> str | None:
        """None: a column of SQLite takes values of any type."""
        return None


def _column(name: str, declared: str, not_null: int, filled: int, hidden: int, key: int, keys: int) -> Column:
    kind = arrow_type(declared, "sqlite")
    alias = bool(key) and keys == 1 and declared.upper() == "INTEGER"  # of the row id: SQLite numbers the rows
    nullable = not not_null
    return Column(name, declared or "", kind, nullable, bool(filled) or alias, hidden == 0, bool(key))


def _nearest_floats(values: pa.Array) -> pa.Array:
    """The floats nearest to the decimals, as SQLite itself makes them of their texts.

    Arrow multiplies by a power of ten that is not exact (0.35 becomes 0.35000000000000003); a division of two exact
    floats is rounded once.
    """
    import numpy as np

    unscaled = np.frombuffer(values.buffers()[1], np.int64)[::2][values.offset : values.offset + len(values)]
    floats = unscaled / float(10**values.type.scale)
    nulls = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
    return pa.array(floats, pa.float64(), mask=nulls)
