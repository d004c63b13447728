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
    capabilities: ClassVar = frozenset({"incremental", "disk"})

    @pytest.fixture(
        autouse=True,
        params=[
            ("csv", "append"),
            ("parquet", "append"),
            ("parquet", "parts"),
            slow(("csv", "replace")),
            slow(("csv", "parts")),
            ("json_lines", "append"),
            slow(("json_lines", "replace")),
            slow(("json_lines", "parts")),
            ("json_array", "append"),
            slow(("json_array", "replace")),
            slow(("json_array", "parts")),
            slow(("parquet", "replace")),
            slow(("arrow", "append")),
            slow(("arrow", "replace")),
            slow(("arrow", "parts")),
        ],
        ids=lambda param: "-".join(param),
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
    @pytest.fixture(autouse=True, params=["append", "upsert", "replace"])
    def mode(self, request):
        self.sink = {"type": "sql", "table": "names", "mode": request.param}
        if request.param == "upsert":
            self.sink["unique_by"] = ["id"]


class TestSqlite(OfTables):
    capabilities: ClassVar = frozenset({"incremental", "locks", "disk"})

    @pytest.fixture(autouse=True, params=["sqlite", slow("sqlite+pysqlite")])
    def driver(self, request):
        self.scheme = request.param

    def flow(self, directory):
        return self.to(directory, self.sink | {"url": f"{self.scheme}:///out.db"}, parallelism=2)

    def rows(self, directory):
        return rows_in_sqlite(directory / "out.db")
