"""Each way to write, struck by each kind of fault, with CSV files as the source."""

from __future__ import annotations

from typing import ClassVar

import pytest

import crash_flows
from active_data_flow.testing.crash import CrashSuite
from crash_flows import CSV, rows_in_sqlite, rows_of, write_files, write_flow

FORMATS = {"csv": ".csv", "json_lines": ".jsonl", "json_array": ".json", "parquet": ".parquet", "arrow": ".arrow"}


def slow(value):
    return pytest.param(value, marks=pytest.mark.slow)


class OfCsvFiles(CrashSuite):
    def expected(self, directory):
        return crash_flows.all_records()

    def to(self, directory, sink, **settings):
        write_files(directory / "in", ".csv")
        return write_flow(directory, CSV, sink, **settings)


class TestFiles(OfCsvFiles):
    capabilities: ClassVar = frozenset({"incremental", "takeover", "disk"})

    @pytest.fixture(
        autouse=True,
        params=[
            ("csv", "append"),
            ("parquet", "append"),
            ("parquet", "parts"),
            slow(("csv", "replace")),
            slow(("csv", "parts")),
            slow(("json_lines", "append")),
            slow(("json_lines", "replace")),
            slow(("json_lines", "parts")),
            slow(("json_array", "append")),
            slow(("json_array", "replace")),
            slow(("json_array", "parts")),
            slow(("parquet", "replace")),
            slow(("arrow", "append")),
            slow(("arrow", "replace")),
            slow(("arrow", "parts")),
        ],
        ids="-".join,
    )
    def way(self, request):
        form, self.mode = request.param
        self.path = "out/" if self.mode == "parts" else f"out{FORMATS[form]}"
        self.sink = {"type": "file", "path": self.path, "format": form}
        if self.mode == "replace":
            self.sink["mode"] = "replace"

    def flow(self, directory):
        return self.to(directory, self.sink, parallelism=2)

    def rows(self, directory):
        return rows_of(directory / self.path)


class OfTables(OfCsvFiles):
    @pytest.fixture(autouse=True, params=["append", slow("upsert"), slow("replace")])
    def mode(self, request):
        self.sink = {"type": "sql", "table": "names", "mode": request.param}
        if request.param == "upsert":
            self.sink["unique_by"] = ["id"]


class TestSqlite(OfTables):
    capabilities: ClassVar = frozenset({"incremental", "takeover", "locks", "disk"})

    @pytest.fixture(autouse=True, params=["sqlite", slow("sqlite+pysqlite")])
    def driver(self, request):
        self.scheme = request.param

    def flow(self, directory):
        return self.to(directory, self.sink | {"url": f"{self.scheme}:///out.db"}, parallelism=2)

    def rows(self, directory):
        return rows_in_sqlite(directory / "out.db")


class OfServers(OfCsvFiles):
    """A server that is killed and started again, while it is the only one that tests of this process use."""

    def address(self):
        return "127.0.0.1", self.server.port

    def stop_server(self, how):
        self.server.kill() if how == "kill" else self.server.server.stop()

    def start_server(self):
        self.server.start()

    @pytest.fixture(autouse=True)
    def back_up(self, database):
        """However the test ends, the server runs when the database is dropped."""
        yield
        if self.server.server.process is None:
            self.server.start()

    def flow(self, directory):
        host, port = self.reached
        sink = self.sink | {
            "url": f"{self.scheme}@{host}:{port}/{self.database}",
            "table": directory.name,
            "timeout": 5,
        }
        return self.to(directory, sink, parallelism=2)

    def rows(self, directory):
        return self.server.run_sql(f"SELECT id, name FROM {directory.name}", self.database)


class OfPostgresql(OfServers):
    capabilities: ClassVar = frozenset({"incremental", "takeover", "server", "restarts"})

    @pytest.fixture(autouse=True, params=["postgresql", slow("postgresql+adbc")])
    def database(self, request, postgres, postgres_url):
        self.scheme = f"{request.param}://postgres"
        self.server, self.database = postgres, postgres_url.rpartition("/")[2]


class OfMariadb(OfServers):
    capabilities: ClassVar = frozenset({"incremental", "takeover", "server", "restarts"})

    @pytest.fixture(autouse=True)
    def database(self, mariadb, mariadb_url):
        self.scheme = "mysql://root"
        self.server, self.database = mariadb, mariadb_url.rpartition("/")[2]


class TestPostgresqlAppend(OfPostgresql):
    @pytest.fixture(autouse=True)
    def mode(self):
        self.sink = {"type": "sql", "mode": "append"}


@pytest.mark.slow
class TestPostgresqlMerge(OfPostgresql):
    capabilities: ClassVar = OfPostgresql.capabilities | {"locks"}

    @pytest.fixture(autouse=True, params=["upsert", "replace"])
    def mode(self, request):
        self.sink = {"type": "sql", "mode": request.param}
        if request.param == "upsert":
            self.sink["unique_by"] = ["id"]


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbAppend(OfMariadb):
    @pytest.fixture(autouse=True)
    def mode(self):
        self.sink = {"type": "sql", "mode": "append"}


@pytest.mark.mariadb
@pytest.mark.slow
class TestMariadbMerge(OfMariadb):
    capabilities: ClassVar = OfMariadb.capabilities | {"locks"}
    mode = TestPostgresqlMerge.mode


OWN = """
import json, sqlite3
from typing import ClassVar
from active_data_flow import CheckpointPolicy, DataFlow, FileSource, Sink
from active_data_flow.core.sink import Delivery

class Lines(Sink):
    def write(self, message):
        with open("out.jsonl", "a") as file:
            print(json.dumps(dict(message)), file=file)

class Keyed(Sink):
    delivery = Delivery.IDEMPOTENT
    def write(self, message):
        self.rows.append((message["id"], message["name"]))
    rows: ClassVar[list] = []
    def flush(self):
        with sqlite3.connect("out.db") as connection:
            connection.execute("create table if not exists names (id primary key, name)")
            connection.executemany("insert or replace into names values (?, ?)", self.rows)
        connection.close()
        self.rows.clear()

class Struck(DataFlow):
    source = FileSource(path="in/*.csv", block_size=4096, schema={"id": "int64", "name": "string"})
    sink = SINK()
    checkpoint = CheckpointPolicy(every=0)
"""


class TestOwn(OfCsvFiles):
    """A class of the user's own that overrides just `write`."""

    capabilities: ClassVar = frozenset({"incremental", "takeover"})

    @pytest.fixture(autouse=True, params=["Lines", "Keyed"])
    def way(self, request):
        self.sink = request.param

    def flow(self, directory):
        write_files(directory / "in", ".csv")
        (directory / "flows.py").write_text(OWN.replace("SINK", self.sink))
        return "flows.py:Struck"

    def rows(self, directory):
        return rows_of(directory / "out.jsonl") if self.sink == "Lines" else rows_in_sqlite(directory / "out.db")
