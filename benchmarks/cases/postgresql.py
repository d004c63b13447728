"""Into PostgreSQL and out of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Case, Contestant, at_most, peak_at_most
from benchmarks.schema import NAMES, create
from benchmarks.server import postgres
from benchmarks.setting import Setting, peer, program, tool

COLUMNS = ", ".join(NAMES)
BOOKKEEPING = "_adf_positions, _adf_epochs, _dlt_version, _dlt_loads, _dlt_pipeline_state"


@contextmanager
def csv(setting: Setting) -> Generator[Case]:
    """Against `psql` with ``\\copy``, and against ADBC without anything of ours."""
    path, dlt_folder = setting.made(".csv"), setting.folder / "dlt"
    with postgres() as server:
        dlt = [
            peer(name, "dlt_postgres", way, server.url(), path, dlt_folder, goal=at_most(0.4)).after(
                partial(shutil.rmtree, dlt_folder, ignore_errors=True)
            )
            for name, way in (("dlt, file to COPY", "file"), ("dlt, Arrow to ADBC", "parquet"))
        ]
        sink = {"type": "sql", "url": server.url(), "table": "made"}
        contestants = [
            replace(setting.flow({"type": "file", "path": str(path)}, sink), goal=peak_at_most(300)),
            tool("psql \\copy", _copy(server, "made", path), at_most(0.5)),
            program("open_csv + ADBC", "references.adbc", "ingest", server.url(), path, goal=at_most(1.15)),
            *dlt,
            peer("psycopg COPY", "psycopg_copy", server.url(), path),
        ]
        yield Case("CSV → PostgreSQL", setting.rows, _into_made(server, contestants))


@contextmanager
def csv_by_rows(setting: Setting) -> Generator[Case]:
    """Against what makes an object of each row, which takes long enough with fewer rows."""
    path = setting.made(".csv")
    with postgres() as server:
        sink = {"type": "sql", "url": server.url(), "table": "made"}
        contestants = [
            setting.flow({"type": "file", "path": str(path)}, sink),
            peer("SQLAlchemy Core insert", "sqlalchemy_rows", "insert", server.url(), path),
            peer("Django bulk_create", "django_rows", "insert", server.url(), path),
            peer("Bytewax + psycopg COPY", "bytewax_postgres", server.url(), path),
        ]
        yield Case("CSV → PostgreSQL, row by row", setting.rows, _into_made(server, contestants))


@contextmanager
def upsert(setting: Setting) -> Generator[Case]:
    """A tenth of the rows, half of them new, against ADBC and ``ON CONFLICT`` by hand."""
    fresh = setting.rows // 10
    path = setting.made(".csv", fresh, first=setting.rows - fresh // 2)
    with postgres() as server:
        load(server, setting, "base")
        sink = {"type": "sql", "url": server.url(), "table": "made", "mode": "upsert", "unique_by": ["id"]}
        contestants = [
            setting.flow({"type": "file", "path": str(path)}, sink),
            program("ADBC + ON CONFLICT", "references.adbc", "upsert", server.url(), path, goal=at_most(1.15)),
            peer("psycopg executemany", "executemany", "upsert", server.url(), path),
            peer("SQLAlchemy Core", "sqlalchemy_rows", "upsert", server.url(), path),
            peer("Django bulk_create", "django_rows", "upsert", server.url(), path),
        ]
        name = f"upsert of {fresh:,} into PostgreSQL"
        yield Case(name, setting.rows, _into_made(server, contestants, "insert into made select * from base"))


@contextmanager
def read(setting: Setting) -> Generator[Case]:
    """Out of it, against ADBC without anything of ours but the cast of decimals, which it gives as text."""
    with postgres() as server:
        load(server, setting, "made")
        url = server.url()
        contestants = [
            program("SqlSource", "ours.read_table", url, "made"),
            program("ADBC", "references.adbc", "read", url, "made", goal=at_most(1.1)),
            peer("ConnectorX", "connectorx_read", url, "made"),
            peer("psycopg COPY binary", "psycopg_read", url, "made"),
            peer("Django iterator", "django_rows", "read", url, "made"),
        ]
        yield Case("PostgreSQL → Arrow", setting.rows, contestants)


def load(server: Any, setting: Setting, table: str) -> None:
    server.run_sql(create(table, key="id"))
    subprocess.run(_copy(server, table, setting.made(".csv")), check=True)
    server.run_sql(f"vacuum analyze {table}")


def _copy(server: Any, table: str, path: Path) -> list[str]:
    copy = f"\\copy {table} from '{path}' with (format csv, header true)"
    return [server._binary("psql"), "-q", "-d", server.url(), "-c", copy]


def _into_made(server: Any, contestants: Sequence[Contestant], *filling: str) -> list[Contestant]:
    """Each begins with a fresh table and a server that has nothing left to write."""
    key = "id" if filling else ""
    statements = [f"drop table if exists made, {BOOKKEEPING} cascade", create(key=key), *filling]
    clean = partial(run_all, server.run_sql, [*statements, *(["analyze made"] if filling else []), "checkpoint"])
    rows = partial(server.run_sql, f"select {COLUMNS} from made")
    return [replace(one.after(clean), rows=rows) for one in contestants]


def run_all(run_sql: Callable[[str], Any], statements: Sequence[str]) -> None:
    for statement in statements:
        run_sql(statement)
