"""The SQL source keeps the promises of sources, on every database, by ranges of a key and by a cursor."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pymysql
import pytest

from active_data_flow.connectors.sql import SqlSource
from active_data_flow.testing import SourceHarness, SourceSuite
from services import PostgreSQL

ANY = frozenset({"bounded", "resumable", "ordered", "typed", "decimal", "zoned", "binary"})
RANGES = ANY | {"splittable"}
CURSOR = ANY | {"endless", "incremental"}


class Table(SourceHarness):
    """A table of a database, written through the database's own driver."""

    mark = "%s"
    quote = '"'
    types: ClassVar[dict[pa.DataType, str]] = {
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE PRECISION",
        pa.bool_(): "BOOLEAN",
        pa.date32(): "DATE",
        pa.decimal128(22, 2): "DECIMAL(22,2)",
    }

    def __init__(self, url: str, connection: Any, *, cursor: bool) -> None:
        self.url = url
        self.connection = connection
        self.options: dict[str, Any] = {"cursor": "id"} if cursor else {}

    def store(self, *parts: pa.Table) -> None:
        columns = (f"{self.named(field.name)} {self.types[_kind(field.type)]}" for field in parts[0].schema)
        self.run("DROP TABLE IF EXISTS t")
        self.run(f"CREATE TABLE t ({', '.join(columns)}, PRIMARY KEY (id))")
        if "cursor" not in self.options:
            self.options["splits"] = len(parts)
        self.append(pa.concat_tables(parts))

    def append(self, table: pa.Table) -> None:
        rows = [[self.value(value) for value in row.values()] for row in table.to_pylist()]
        names = ", ".join(map(self.named, table.column_names))
        marks = ", ".join([self.mark] * table.num_columns)
        if rows:
            self.connection.cursor().executemany(f"INSERT INTO t ({names}) VALUES ({marks})", rows)

    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> SqlSource:
        options = self.options | ({"batch_size": poll_rows} if poll_rows else {})
        return SqlSource(url=self.url, table="t", follow=endless, poll_interval=0.005, timeout=5, **options)

    def lose(self) -> None:
        self.run("DROP TABLE t")

    def run(self, statement: str) -> None:
        self.connection.cursor().execute(statement)

    def named(self, name: str) -> str:
        return f"{self.quote}{name}{self.quote}"

    def value(self, value: Any) -> Any:
        return value


class Sqlite(Table):
    mark = "?"
    types: ClassVar = Table.types | {
        pa.int64(): "INTEGER",
        pa.string(): "TEXT",
        pa.binary(): "BLOB",
        pa.timestamp("us"): "TIMESTAMP",
        pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
        pa.decimal128(22, 2): "DECIMAL_TEXT(22,2)",
    }

    def value(self, value: Any) -> Any:
        """SQLite has no type for these; as text they have all their digits."""
        return str(value) if isinstance(value, dt.date | Decimal) else value


class PostgreSql(Table):
    types: ClassVar = Table.types | {
        pa.string(): "TEXT",
        pa.binary(): "BYTEA",
        pa.timestamp("us"): "TIMESTAMP",
        pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    }


class MariaDb(Table):
    quote = "`"
    types: ClassVar = Table.types | {
        pa.string(): "LONGTEXT",
        pa.binary(): "LONGBLOB",
        pa.timestamp("us"): "DATETIME(6)",
        pa.timestamp("us", "UTC"): "TIMESTAMP(6) NULL",
    }

    def value(self, value: Any) -> Any:
        """The driver writes no zones; the session's is UTC."""
        return value.astimezone(dt.UTC).replace(tzinfo=None) if getattr(value, "tzinfo", None) else value


def _kind(found: pa.DataType) -> pa.DataType:
    return pa.timestamp("us", "UTC") if pa.types.is_timestamp(found) and found.tz else found


@pytest.fixture(scope="module")
def shared_postgres_url(postgres: PostgreSQL) -> Iterator[str]:
    """Address of a database for all cases: to make one takes longer than most of them."""
    postgres.run_sql("CREATE DATABASE source_suite")
    yield postgres.url("source_suite")
    postgres.run_sql("DROP DATABASE source_suite WITH (FORCE)")


class SqlSuite(SourceSuite):
    examples: ClassVar = 6
    cursor: ClassVar = False


class SqliteSuite(SqlSuite):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Table]:
        path = tmp_path / "t.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield Sqlite(f"sqlite:///{path}", connection, cursor=self.cursor)


class PostgreSqlSuite(SqlSuite):
    @pytest.fixture
    def harness(self, shared_postgres_url: str) -> Iterator[Table]:
        with psycopg.connect(shared_postgres_url, autocommit=True) as connection:
            yield PostgreSql(shared_postgres_url, connection, cursor=self.cursor)


@pytest.mark.mariadb
class MariaDbSuite(SqlSuite):
    @pytest.fixture
    def harness(self, mariadb_url: str) -> Iterator[Table]:
        url = urlsplit(mariadb_url)
        place = {"host": url.hostname, "port": url.port, "user": url.username, "database": url.path[1:]}
        utc = "SET time_zone = '+00:00'"
        with pymysql.connect(**place, autocommit=True, charset="utf8mb4", init_command=utc) as connection:
            yield MariaDb(mariadb_url, connection, cursor=self.cursor)


class TestSqliteRanges(SqliteSuite):
    capabilities: ClassVar = RANGES


class TestSqliteCursor(SqliteSuite):
    capabilities: ClassVar = CURSOR
    cursor: ClassVar = True


class TestPostgreSqlRanges(PostgreSqlSuite):
    capabilities: ClassVar = RANGES


@pytest.mark.slow
class TestPostgreSqlCursor(PostgreSqlSuite):
    capabilities: ClassVar = CURSOR
    cursor: ClassVar = True


@pytest.mark.slow
class TestMariaDbRanges(MariaDbSuite):
    capabilities: ClassVar = RANGES


@pytest.mark.slow
class TestMariaDbCursor(MariaDbSuite):
    capabilities: ClassVar = CURSOR
    cursor: ClassVar = True
