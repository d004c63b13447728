"""PostgreSQL: binary COPY, `INSERT … ON CONFLICT`, changes of tables inside transactions."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from typing_extensions import override

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.dialects.dialect import ROW, Column, Dialect, Merge
from active_data_flow.connectors.sql.types import arrow_type, as_json, is_list, is_nested
from active_data_flow.core.kernels import pc

_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.atthasdef OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a',
       coalesce(a.attnum = ANY (i.indkey), false), coalesce(t.typtype = 'e', false)
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE a.attrelid = to_regclass({table}) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_UNIQUE = """
SELECT i.indexrelid::bigint, a.attname::text
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[])
WHERE i.indrelid = to_regclass({table}) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
  AND i.indisvalid AND i.indimmediate AND array_position(i.indkey::int2[], a.attnum) <= i.indnkeyatts
"""


class PostgresqlDialect(Dialect):
    """PostgreSQL 15 or newer."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.strategy = f"binary COPY by {'ADBC' if session.address.driver == 'adbc' else 'psycopg'}"

    @override
    def columns(self, namespace: str | None, table: str) -> list[Column] | None:
        rows = self.session.fetch(_COLUMNS.format(table=self.session.mark(1)), [self.session.quote(namespace, table)])
        return [_column(*row) for row in rows] or None

    @override
    def unique_keys(self, namespace: str | None, table: str) -> list[frozenset[str]]:
        rows = self.session.fetch(_UNIQUE.format(table=self.session.mark(1)), [self.session.quote(namespace, table)])
        indexes: dict[int, set[str]] = {}
        for index, name in rows:
            indexes.setdefault(index, set()).add(name)
        return [frozenset(names) for names in indexes.values()]

    @override
    def lock_definitions(self, name: str) -> None:
        self.session.execute(f"SELECT pg_advisory_xact_lock(hashtextextended({self.session.mark(1)}, 0))", [name])

    @override
    def ingests(self, column: Column) -> bool:
        # binary COPY needs the type's own form, of a list also that of its elements: texts are `text`
        if column.kind is None:
            return False
        return not is_list(column.kind) or column.kind.value_type != pa.string() or column.declared == "text[]"

    def encode(self, values: pa.Array, column: Column) -> pa.Array:
        """JSON gets the version byte of jsonb's binary form."""
        if is_nested(values.type) and not (is_list(values.type) and column.declared.endswith("[]")):
            values = as_json(values)
        if column.declared == "jsonb":
            return pc.binary_join_element_wise("\x01", values.cast(pa.string()), "")
        return super().encode(values, column) if not is_nested(values.type) else values

    @override
    def create_stage(self, name: str, columns: Sequence[Column], target: str) -> str:
        stage = self.session.quote("pg_temp", name)
        definitions = [f"{self.session.quote(column.name)} {self._staged(column)}" for column in columns]
        self.session.execute(f"DROP TABLE IF EXISTS {stage}")
        self.session.execute(
            f"CREATE TEMPORARY TABLE {self.session.quote(name)} ({', '.join(definitions)}, {ROW} bigint)"
        )
        return stage

    @override
    def clear_stage(self, stage: str) -> None:
        self.session.execute(f"TRUNCATE {stage}")  # nothing vacuums temporary tables: deleted rows would stay

    @override
    def merge(self, merge: Merge, where: str) -> str:
        names, values = self.names(merge.columns), ", ".join(self._value(column) for column in merge.columns)
        staged = f"{merge.stage} WHERE {where}"
        if not merge.keys:
            return f"INSERT INTO {merge.target} ({names}) SELECT {values} FROM {staged} ORDER BY {ROW}"  # noqa: S608  # names are quoted
        keys = ", ".join(self.session.quote(key) for key in merge.keys)
        updates = ", ".join(f"{name} = excluded.{name}" for name in map(self.session.quote, merge.updated))
        action = f"DO UPDATE SET {updates}" if updates else "DO NOTHING"
        source = self._distinct(merge, staged, keys)
        return f"INSERT INTO {merge.target} ({names}) SELECT {values} FROM {source} ON CONFLICT ({keys}) {action}"  # noqa: S608  # names are quoted

    def _distinct(self, merge: Merge, staged: str, keys: str) -> str:
        """One row a key, sorted by key, so that two lanes lock rows of the table in the same order."""
        last = f"SELECT DISTINCT ON ({keys}) * FROM {staged} ORDER BY {keys}, {ROW} DESC"  # noqa: S608  # names are quoted
        if len(merge.updated) + len(merge.keys) == len(merge.columns):
            return f"({last}) AS staged"
        # a new row has the values that came first, but for the columns that later ones update
        first = f"SELECT DISTINCT ON ({keys}) * FROM {staged} ORDER BY {keys}, {ROW}"  # noqa: S608  # names are quoted
        picked = ", ".join(
            f"{'later' if column.name in merge.updated else 'earlier'}.{self.session.quote(column.name)}"
            for column in merge.columns
        )
        later = [f"later.{self.session.quote(key)}" for key in merge.keys]
        match = " AND ".join(f"{name} = {name.replace('later.', 'earlier.', 1)}" for name in later)
        joined = f"({last}) AS later JOIN ({first}) AS earlier ON {match}"
        return f"(SELECT {picked} FROM {joined} ORDER BY {', '.join(later)}) AS staged"  # noqa: S608  # names are quoted

    @override
    def claim(self, epochs: str) -> str:
        flow, epoch = self.session.mark(1), self.session.mark(2)
        return (
            f"INSERT INTO {epochs} AS known (flow, epoch) VALUES ({flow}, {epoch}) "  # noqa: S608  # names are quoted
            f"ON CONFLICT (flow) DO UPDATE SET epoch = greatest(known.epoch + 1, excluded.epoch)"
        )

    @override
    def fence(self, epochs: str) -> str:
        # shared: commits of several lanes don't wait for one another, a new run's claim waits for them
        return f"SELECT epoch FROM {epochs} WHERE flow = {self.session.mark(1)} FOR SHARE"  # noqa: S608  # names are quoted

    @override
    def save_positions(self, positions: str) -> str:
        values = ", ".join(self.session.mark(number) for number in range(1, 5))
        return (
            f"INSERT INTO {positions} (flow, split_id, state, epoch) VALUES ({values}) ON CONFLICT (flow, split_id) "  # noqa: S608  # names are quoted
            "DO UPDATE SET state = excluded.state, epoch = excluded.epoch, committed_at = now()"
        )

    @override
    def describe(self) -> str:
        return f"PostgreSQL {self._version()}"

    @override
    def create_like(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        self.session.execute(f"CREATE TABLE {self.session.quote(*new)} (LIKE {self.session.quote(*old)} INCLUDING ALL)")

    def swap(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        """Rows are moved where views or foreign keys hang on the old table, which a swap would break."""
        old_name = self.session.quote(*old)
        dependents = self.session.fetch(
            "SELECT 1 FROM pg_depend WHERE refobjid = to_regclass($1) AND deptype = 'n' "
            "AND classid IN ('pg_rewrite'::regclass, 'pg_constraint'::regclass) LIMIT 1",
            [old_name],
        )
        if not dependents:
            self.session.execute(f"DROP TABLE IF EXISTS {old_name}")
            self.session.execute(f"ALTER TABLE {self.session.quote(*new)} RENAME TO {self.session.quote(old[1])}")
            return
        columns = [column for column in self.columns(*new) or [] if column.writable]
        present = {column.name for column in self.columns(*old) or []}
        for column in columns:
            if column.name not in present:
                name = self.session.quote(column.name)
                self.session.execute(f"ALTER TABLE {old_name} ADD COLUMN {name} {column.declared}")
        names = self.names(columns)
        self.session.execute(f"DELETE FROM {old_name}")  # noqa: S608  # names are quoted
        self.session.execute(
            f"INSERT INTO {old_name} ({names}) SELECT {names} FROM {self.session.quote(*new)}"  # noqa: S608  # names are quoted
        )
        self.session.execute(f"DROP TABLE {self.session.quote(*new)}")

    def _staged(self, column: Column) -> str:
        if self.ingests(column):
            return column.declared
        return "text" if column.kind is None else "text[]"

    def _version(self) -> str:
        return str(self.session.fetch("SELECT current_setting('server_version')")[0][0])

    def _value(self, column: Column) -> str:
        name = self.session.quote(column.name)
        return name if self.ingests(column) else f"CAST({name} AS {column.declared})"


def _column(name: str, declared: str, *traits: bool) -> Column:
    not_null, filled, generated, key, enum = traits
    kind = pa.string() if enum else arrow_type(declared, "postgresql")
    return Column(name, declared, kind, not not_null, filled, not generated, key)
