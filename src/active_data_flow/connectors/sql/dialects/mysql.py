"""MySQL and MariaDB: multi-row inserts, `ON DUPLICATE KEY UPDATE`, changes of tables that end a transaction."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from typing_extensions import override

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.dialects.dialect import ROW, Column, Dialect, Merge
from active_data_flow.connectors.sql.types import arrow_type
from active_data_flow.core.errors import SinkUnavailableError


class MysqlDialect(Dialect):
    """MySQL 8 or newer, MariaDB 10.6 or newer."""

    strategy = "multi-row inserts by PyMySQL"
    transactional_ddl = False
    fold_case = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._lock: str | None = None

    @override
    def columns(self, namespace: str | None, table: str) -> list[Column] | None:
        rows = self.session.fetch(
            "SELECT column_name, column_type, is_nullable = 'YES', column_default IS NOT NULL OR "  # noqa: S608  # names are quoted
            "extra LIKE '%auto_increment%', extra LIKE '%GENERATED%' AND extra NOT LIKE '%DEFAULT_GENERATED%', "
            "column_key = 'PRI' FROM information_schema.columns "
            f"WHERE table_name = {self.session.mark(1)} "
            f"AND table_schema = coalesce({self.session.mark(2)}, database()) "
            "ORDER BY ordinal_position",
            [table, namespace],
        )
        return [
            Column(name, declared, arrow_type(declared, "mysql"), bool(null), bool(filled), not generated, bool(key))
            for name, declared, null, filled, generated, key in rows
        ] or None

    @override
    def unique_keys(self, namespace: str | None, table: str) -> list[frozenset[str]]:
        rows = self.session.fetch(
            "SELECT index_name, column_name FROM information_schema.statistics WHERE non_unique = 0 "  # noqa: S608  # names are quoted
            f"AND table_name = {self.session.mark(1)} AND table_schema = coalesce({self.session.mark(2)}, database())",
            [table, namespace],
        )
        indexes: dict[str, set[str]] = {}
        for index, name in rows:  # an expression has no name, and is no column
            indexes.setdefault(index, set()).add(name or "")
        return [frozenset(names) for names in indexes.values()]

    def lock_definitions(self, name: str) -> None:
        """By a lock of its own: changes of tables end the transaction. It is the session's until its end."""
        seconds = max(1, int(self.session.timeout))
        got = self.session.fetch(f"SELECT GET_LOCK({self.session.mark(1)}, {seconds})", [f"adf:{name}"[:64]])
        if got[0][0] != 1:
            raise SinkUnavailableError(f"another writer has been changing table {name} for {seconds} seconds")
        self._lock = name

    def unlock_definitions(self) -> None:
        """Let other writers change tables again."""
        if self._lock is not None:
            self.session.fetch(f"SELECT RELEASE_LOCK({self.session.mark(1)})", [f"adf:{self._lock}"[:64]])
            self._lock = None

    @override
    def create_stage(self, name: str, columns: Sequence[Column], target: str) -> str:
        stage = self.session.quote(name)
        names = self.names(columns)
        self.session.execute(f"DROP TEMPORARY TABLE IF EXISTS {stage}")
        # made from the table itself, so that types, lengths and character sets are the table's
        empty = f"SELECT {names} FROM {target} WHERE false"  # noqa: S608  # names are quoted
        self.session.execute(f"CREATE TEMPORARY TABLE {stage} ({ROW} BIGINT DEFAULT 0 PRIMARY KEY) AS {empty}")
        return stage

    @override
    def merge(self, merge: Merge, where: str) -> str:
        insert = self.insert_staged(merge, where)
        if not merge.keys:
            return insert
        # where there is nothing to update, an assignment of a key to itself leaves the row as it is
        updated = merge.updated or merge.keys[:1]
        updates = ", ".join(f"{name} = VALUES({name})" for name in map(self.session.quote, updated))
        return f"{insert} ON DUPLICATE KEY UPDATE {updates}"

    @override
    def claim(self, epochs: str) -> str:
        return (
            f"INSERT INTO {epochs} (flow, epoch) "  # noqa: S608  # names are quoted
            f"VALUES ({self.session.mark(1)}, {self.session.mark(2)}) "
            "ON DUPLICATE KEY UPDATE epoch = greatest(epoch + 1, VALUES(epoch))"
        )

    @override
    def fence(self, epochs: str) -> str:
        return f"SELECT epoch FROM {epochs} WHERE flow = {self.session.mark(1)} LOCK IN SHARE MODE"  # noqa: S608  # names are quoted

    @override
    def save_positions(self, positions: str) -> str:
        values = ", ".join(self.session.mark(number) for number in range(1, 5))
        return (
            f"INSERT INTO {positions} (flow, split_id, state, epoch) VALUES ({values}) "  # noqa: S608  # names are quoted
            "ON DUPLICATE KEY UPDATE state = VALUES(state), epoch = VALUES(epoch), committed_at = CURRENT_TIMESTAMP"
        )

    @override
    def describe(self) -> str:
        version = str(self.session.fetch("SELECT version()")[0][0])
        return version if "MariaDB" in version else f"MySQL {version}"

    @override
    def create_like(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        self.session.execute(f"CREATE TABLE {self.session.quote(*new)} LIKE {self.session.quote(*old)}")

    def swap(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        """The swap itself is atomic; what has been swapped has no staging table any more, which says so."""
        gone = (old[0], f"{old[1]}__adf_old")
        new_name, old_name, gone_name = (self.session.quote(*name) for name in (new, old, gone))
        self.session.execute(f"DROP TABLE IF EXISTS {gone_name}")
        if self.columns(*old) is None:
            self.session.execute(f"RENAME TABLE {new_name} TO {old_name}")
            return
        self.session.execute(f"RENAME TABLE {old_name} TO {gone_name}, {new_name} TO {old_name}")
        self.session.execute(f"DROP TABLE {gone_name}")

    @override
    def widen(self, namespace: str | None, table: str, column: Column, kind: pa.DataType) -> str | None:
        null = "NULL" if column.nullable else "NOT NULL"
        declared = self.column_type(kind, key=column.key)
        target = self.session.quote(namespace, table)
        return f"ALTER TABLE {target} MODIFY COLUMN {self.session.quote(column.name)} {declared} {null}"
