"""The SQL sink is held to its promises: each database, driver and mode."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import adbc_driver_sqlite.dbapi
import pyarrow as pa
import pytest

from active_data_flow.connectors.sql import SqlSink
from active_data_flow.core.sink import Sink, Writer
from active_data_flow.testing import Refusal, SinkHarness, SinkSuite, read_as
from services import MariaDB, PostgreSQL

_numbers = itertools.count(1)
ALWAYS = frozenset(
    {
        "transactional",
        "exactly-once",
        "isolated",
        "append",
        "nested",
        "creates table",
        "fixed columns",
        "fixed types",
        "evolves schema",
        "widens types",
        "rejects rows",
    }
)
SERVER = ALWAYS | {"many writers", "takeover", "secrets"}


class Tables(SinkHarness):
    """A table for each place, in one database, read by a client of the harness's own."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url, self.options = url, options
        self.tables: list[str] = []

    def sink(self, schema: pa.Schema, **options: Any) -> SqlSink:
        self.tables.append(f"t{next(_numbers)}")
        return SqlSink(url=self.url, table=self.tables[-1], timeout=5, **self.options | options)

    def rows(self, sink: Sink, schema: pa.Schema) -> Sequence[dict[str, Any]]:
        assert isinstance(sink, SqlSink)
        with self.connect() as connection, contextlib.closing(connection.cursor()) as cursor:
            if not self.exists(cursor, sink.table):
                return []
            cursor.execute(f"SELECT * FROM {sink.table}")
            names = [column[0] for column in cursor.description]
            return read_as([dict(zip(names, row, strict=True)) for row in cursor.fetchall()], schema)

    def refusal(self) -> Refusal:
        sink = self.sink(pa.schema([]))
        definition = "id BIGINT PRIMARY KEY, number BIGINT NOT NULL, CHECK (number < 100)"
        with self.connect() as connection, contextlib.closing(connection.cursor()) as cursor:
            cursor.execute(f"CREATE TABLE {sink.table} ({definition})")
            connection.commit()
        rows = pa.record_batch({"id": range(6), "number": pa.array([1, None, 99, 100, 5, 1000], pa.int64())})
        return Refusal(sink, rows, {1: "number", 3: None, 5: None})

    def kill(self, writer: Writer) -> None:
        """The server rolls back when the connection ends."""
        writer.close()

    def connect(self) -> Any:
        raise NotImplementedError

    def exists(self, cursor: Any, table: str) -> bool:
        raise NotImplementedError

    def secret(self, password: str) -> Sink:
        address = self.url.replace("@", f":{password}@", 1)
        os.environ["SQL_SUITE_URL"] = address
        return SqlSink(url="env:SQL_SUITE_URL", table="t", timeout=5)


class SQLite(Tables):
    def connect(self) -> Any:
        """By the library that the sink has loaded: two in one process would take each other's locks away."""
        driver = sqlite3 if "pysqlite" in self.url else adbc_driver_sqlite.dbapi
        return contextlib.closing(driver.connect(self.url.partition(":///")[2]))

    def exists(self, cursor: Any, table: str) -> bool:
        cursor.execute(f"SELECT 1 FROM sqlite_master WHERE name = '{table}'")
        return bool(cursor.fetchall())


class Postgres(Tables):
    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(self.url.replace("+psycopg", "").replace("+adbc", ""))

    def exists(self, cursor: Any, table: str) -> bool:
        return cursor.execute("SELECT to_regclass(%s)", [table]).fetchone()[0] is not None


class Maria(Tables):
    def connect(self) -> Any:
        import pymysql

        host, _, database = self.url.partition("@")[2].partition("/")
        return pymysql.connect(host="127.0.0.1", port=int(host.partition(":")[2]), user="root", database=database)

    def exists(self, cursor: Any, table: str) -> bool:
        return bool(cursor.execute("SHOW TABLES LIKE %s", [table]))


@pytest.fixture(scope="module")
def postgres_database(postgres: PostgreSQL) -> Iterator[str]:
    """One database for all places."""
    postgres.run_sql("CREATE DATABASE conformance")
    yield postgres.url("conformance")
    postgres.run_sql("DROP DATABASE conformance WITH (FORCE)")


@pytest.fixture(scope="module")
def mariadb_database(mariadb: MariaDB) -> Iterator[str]:
    """Likewise."""
    mariadb.run_sql("CREATE DATABASE conformance CHARACTER SET utf8mb4")
    yield mariadb.url("conformance")
    mariadb.run_sql("DROP DATABASE conformance")


@pytest.fixture(autouse=True)
def _no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQL_SUITE_URL", "")


UPSERT: dict[str, Any] = {"mode": "upsert", "unique_by": ["id"]}


class TestSqliteAppend(SinkSuite):
    capabilities: ClassVar = ALWAYS

    @pytest.fixture(params=["sqlite", "sqlite+pysqlite"])
    def harness(self, tmp_path: Path, request: pytest.FixtureRequest) -> SinkHarness:
        return SQLite(f"{request.param}:///{tmp_path}/test.db")


class TestSqliteUpsert(SinkSuite):
    capabilities: ClassVar = ALWAYS | {"upsert"}
    examples: ClassVar = 10

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return SQLite(f"sqlite:///{tmp_path}/test.db", **UPSERT)


class TestSqliteReplace(SinkSuite):
    capabilities: ClassVar = ALWAYS - {"append"} | {"replace"}

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return SQLite(f"sqlite:///{tmp_path}/test.db", mode="replace")


class TestPostgresAppend(SinkSuite):
    capabilities: ClassVar = SERVER
    examples: ClassVar = 5

    @pytest.fixture(params=[pytest.param("adbc", marks=pytest.mark.slow), "psycopg"])
    def harness(self, postgres_database: str, request: pytest.FixtureRequest) -> SinkHarness:
        return Postgres(postgres_database.replace("postgresql:", f"postgresql+{request.param}:"))


class TestPostgresUpsert(SinkSuite):
    capabilities: ClassVar = SERVER | {"upsert"}
    examples: ClassVar = 5

    @pytest.fixture
    def harness(self, postgres_database: str) -> SinkHarness:
        return Postgres(postgres_database, **UPSERT)


@pytest.mark.slow
class TestPostgresReplace(SinkSuite):
    capabilities: ClassVar = SERVER - {"append"} | {"replace"}

    @pytest.fixture
    def harness(self, postgres_database: str) -> SinkHarness:
        return Postgres(postgres_database, mode="replace")


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbAppend(SinkSuite):
    capabilities: ClassVar = SERVER
    examples: ClassVar = 3

    @pytest.fixture
    def harness(self, mariadb_database: str) -> SinkHarness:
        return Maria(mariadb_database)


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbUpsert(SinkSuite):
    capabilities: ClassVar = SERVER | {"upsert"}
    examples: ClassVar = 3

    @pytest.fixture
    def harness(self, mariadb_database: str) -> SinkHarness:
        return Maria(mariadb_database, **UPSERT)


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbReplace(SinkSuite):
    capabilities: ClassVar = SERVER - {"append"} | {"replace"}

    @pytest.fixture
    def harness(self, mariadb_database: str) -> SinkHarness:
        return Maria(mariadb_database, mode="replace")
