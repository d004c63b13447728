"""Each way to read, and each runtime, struck, with SQLite as the sink."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

import pytest

import crash_flows
from active_data_flow.testing.crash import CrashSuite, Cut
from crash_flows import CSV, SQLITE, all_records, rows_in_sqlite, write_files, write_flow

ENDINGS = {"csv": ".csv", "json_lines": ".jsonl", "json_array": ".json", "parquet": ".parquet", "arrow": ".arrow"}
VALUES = ", ".join(f"({key}, '{name}')" for key, name in all_records())


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


class ToSqlite(CrashSuite):
    def expected(self, directory):
        return crash_flows.all_records()

    def rows(self, directory):
        return rows_in_sqlite(directory / "out.db")


class TestFiles(ToSqlite):
    capabilities: ClassVar = frozenset({"incremental"})

    @pytest.fixture(autouse=True, params=["csv", slow("json_lines"), "json_array", "parquet", slow("arrow")])
    def form(self, request):
        self.source = CSV | {"path": f"in/*{ENDINGS[request.param]}", "format": request.param}
        self.ending = ENDINGS[request.param]

    def flow(self, directory):
        write_files(directory / "in", self.ending)
        return write_flow(directory, self.source, SQLITE, parallelism=2)


class Tables(ToSqlite):
    """Ranges of a key, or a cursor."""

    cuts: ClassVar = (
        Cut(behind=30_000),
        Cut(behind=60_000, how="close"),
        Cut(behind=90_000, how="silence"),
    )
    ways: ClassVar = {"ranges": {"splits": 4}, "cursor": {"cursor": "id", "tiebreaker": "id"}}

    def source(self, way):
        return {"type": "sql", "batch_size": 100, "timeout": 5, **self.ways[way]}


class SqliteTables(Tables):
    @pytest.fixture(autouse=True, params=[slow("sqlite"), slow("sqlite+pysqlite")])
    def driver(self, request):
        self.scheme = request.param

    def read(self, directory, way):
        with sqlite3.connect(directory / "in.db") as connection:
            connection.execute("create table input (id integer primary key, name text)")
            connection.execute(f"insert into input values {VALUES}")
        connection.close()
        source = self.source(way) | {"url": f"{self.scheme}:///in.db", "table": "input"}
        return write_flow(directory, source, SQLITE, parallelism=2)


class TestSqliteRanges(SqliteTables):
    def flow(self, directory):
        return self.read(directory, "ranges")


class TestSqliteCursor(SqliteTables):
    capabilities: ClassVar = frozenset({"incremental"})

    def flow(self, directory):
        return self.read(directory, "cursor")


class ServerTables(Tables):
    @pytest.fixture(autouse=True)
    def back_up(self, database):
        """However the test ends, the server runs when the database is dropped."""
        yield
        if self.server.server.process is None:
            self.server.start()

    def address(self):
        return "127.0.0.1", self.server.port

    def stop_server(self, how):
        self.server.kill() if how == "kill" else self.server.server.stop()

    def start_server(self):
        self.server.start()

    def read(self, directory, way):
        table = f"input_{directory.name}"
        self.server.run_sql(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, name TEXT)", self.database)
        self.server.run_sql(f"INSERT INTO {table} VALUES {VALUES}", self.database)
        host, port = self.reached
        url = f"{self.scheme}@{host}:{port}/{self.database}"
        return write_flow(directory, self.source(way) | {"url": url, "table": table}, SQLITE, parallelism=2)


class PostgresqlTables(ServerTables):
    @pytest.fixture(autouse=True, params=["postgresql", slow("postgresql+psycopg")])
    def database(self, request, postgres, postgres_url):
        self.scheme = f"{request.param}://postgres"
        self.server, self.database = postgres, postgres_url.rpartition("/")[2]


class TestPostgresqlRanges(PostgresqlTables):
    capabilities: ClassVar = frozenset({"server", "restarts"})

    def flow(self, directory):
        return self.read(directory, "ranges")


@pytest.mark.slow
class TestPostgresqlCursor(PostgresqlTables):
    capabilities: ClassVar = frozenset({"incremental", "server", "restarts"})

    def flow(self, directory):
        return self.read(directory, "cursor")


class MariadbTables(ServerTables):
    @pytest.fixture(autouse=True)
    def database(self, mariadb, mariadb_url):
        self.scheme = "mysql://root"
        self.server, self.database = mariadb, mariadb_url.rpartition("/")[2]


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbRanges(MariadbTables):
    capabilities: ClassVar = frozenset({"server", "restarts"})

    def flow(self, directory):
        return self.read(directory, "ranges")


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbCursor(MariadbTables):
    capabilities: ClassVar = frozenset({"incremental", "server", "restarts"})

    def flow(self, directory):
        return self.read(directory, "cursor")


OWN = """
from active_data_flow import CheckpointPolicy, DataFlow, FileSource, Source, SqlSink
from crash_flows import CSV, all_records

class Each(Source):
    def each(self):
        return ({"id": key, "name": name} for key, name in all_records())

class EachAgain(Each):
    replayable = True

class Struck(DataFlow):
    source = Each()
    sink = SqlSink(url="sqlite:///out.db", table="names", mode="upsert", unique_by=["id"])
    checkpoint = CheckpointPolicy(every=0)

class Again(Struck):
    source = EachAgain()

class Processes(DataFlow):
    source = FileSource(path="in/*.csv", block_size=4096, schema={"id": "int64", "name": "string"})
    sink = SqlSink(url="sqlite:///out.db", table="names")
    checkpoint = CheckpointPolicy(every=0)
    parallelism = 2
    lanes = "processes"
    def transform(self, message):
        return message | {"name": message["name"].replace("name", "name")}
"""


class Own(ToSqlite):
    """Classes of the user's own; what is read again goes over what is there, so that a run may also die at its end."""

    def write(self, directory):
        write_files(directory / "in", ".csv")
        (directory / "flows.py").write_text(OWN)


class TestEach(Own):
    capabilities: ClassVar = frozenset({"incremental", "one commit"})

    def flow(self, directory):
        self.write(directory)
        return "flows.py:Struck"


class TestEachReplayable(Own):
    capabilities: ClassVar = frozenset({"incremental"})

    def flow(self, directory):
        self.write(directory)
        return "flows.py:Again"


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestProcesses(Own):
    capabilities: ClassVar = frozenset({"incremental"})
    moments: ClassVar = 3

    def flow(self, directory):
        self.write(directory)
        return "flows.py:Processes"
