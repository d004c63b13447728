"""What is measured: our flow against the program that people would use otherwise."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import Case, Contestant
from benchmarks.schema import SCHEMA_OPTIONS

ADF = str(Path(sys.executable).with_name("adf"))
CaseMaker = Callable[[Path, Path], AbstractContextManager[Case]]
SQL_TYPES = {
    "int64": "bigint",
    "timestamp[us]": "timestamp",
    "decimal(12,2)": "numeric(12,2)",
    "float64": "double precision",
    "bool": "boolean",
    "string": "text",
    "date": "date",
}
CREATE = f"create table made ({', '.join(f'{name} {SQL_TYPES[kind]}' for name, kind in SCHEMA_OPTIONS.items())})"


def made(rows: int) -> Path:
    """The made table as CSV, written by another process: what a program inherits of ours counts as its memory."""
    path = Path(__file__).parent / "data" / f"{rows}.csv"
    program = f"from benchmarks.data import write_csv; write_csv({str(path)!r}, {rows})"
    subprocess.run([sys.executable, "-c", program], check=True)
    return path


def flow(folder: Path, source: Path, sink: dict[str, Any], **options: Any) -> Contestant:
    """Our side: a document with a typed schema, run by `adf run` from a clean state."""
    document = {
        "name": f"bench_{source.stem}",
        "source": {"type": "file", "path": str(source)},
        "schema": {name: f"{kind}?" for name, kind in SCHEMA_OPTIONS.items()},
        "sink": sink,
        **options,
    }
    path = folder / f"{document['name']}.yaml"
    path.write_text(yaml.safe_dump(document))
    state = folder / "adf"
    command = [ADF, "run", str(path), "--quiet", "--directory", str(state)]
    return Contestant("adf run", command, lambda: shutil.rmtree(state, ignore_errors=True))


def also(contestant: Contestant, prepare: Callable[[], None], name: str = "") -> Contestant:
    """The contestant with something more to be done before each run."""

    def both() -> None:
        contestant.prepare()
        prepare()

    return Contestant(name or contestant.name, contestant.command, both, contestant.environment)


@contextmanager
def csv_to_postgres(source: Path, folder: Path) -> Generator[Case]:
    """Against `psql` with ``\\copy`` into a table of the same types; fsync is on."""
    with postgres() as server:

        def clean() -> None:
            server.run_sql("drop table if exists made, _adf_positions, _adf_epochs cascade")

        def create() -> None:
            clean()
            server.run_sql(CREATE)

        copy = f"\\copy made from '{source}' with (format csv, header true)"
        psql = [server._binary("psql"), "-q", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-c", copy]
        ours = flow(folder, source, {"type": "sql", "url": server.url(), "table": "made"})
        yield Case("CSV to PostgreSQL", [also(ours, clean), Contestant("psql \\copy", psql, create)], "0.6")


@contextmanager
def csv_to_sqlite(source: Path, folder: Path) -> Generator[Case]:
    """Against the shell's ``.import`` into a table of the same columns."""
    ours_file, theirs_file = folder / "ours.db", folder / "theirs.db"

    def remove(path: Path) -> None:
        for file in folder.glob(f"{path.name}*"):
            file.unlink()

    def create() -> None:
        remove(theirs_file)
        with sqlite3.connect(theirs_file) as connection:
            connection.execute(CREATE)

    shell = ["sqlite3", str(theirs_file), ".mode csv", f".import --skip 1 {source} made"]
    ours = also(
        flow(folder, source, {"type": "sql", "url": f"sqlite:///{ours_file}", "table": "made"}),
        lambda: remove(ours_file),
    )
    yield Case("CSV to SQLite", [ours, Contestant("sqlite3 .import", shell, create)], "1.0")


@contextmanager
def csv_to_parquet(source: Path, folder: Path) -> Generator[Case]:
    """Against DuckDB's COPY to one file."""
    ours_folder, theirs = folder / "out", folder / "theirs.parquet"
    ours = also(
        flow(folder, source, {"type": "file", "path": f"{ours_folder}/", "format": "parquet"}),
        lambda: shutil.rmtree(ours_folder, ignore_errors=True),
    )
    copy = f"import duckdb; duckdb.sql(\"copy (from read_csv('{source}')) to '{theirs}' (format parquet)\")"
    duckdb = Contestant("duckdb COPY", [sys.executable, "-c", copy], lambda: theirs.unlink(missing_ok=True))
    yield Case("CSV to Parquet", [ours, duckdb], "1.3")


@contextmanager
def memory(source: Path, folder: Path) -> Generator[Case]:
    """Against ourselves at an eighth of the input: peak memory must be the same."""
    rows = int(source.stem) // 8
    small = made(rows)
    out = folder / "out"

    def clean() -> None:
        shutil.rmtree(out, ignore_errors=True)

    sink = {"type": "sql", "url": f"sqlite:///{out}/made.db", "table": "made"}

    def database() -> None:
        clean()
        out.mkdir()

    large, eighth = flow(folder, source, sink), flow(folder, small, sink)
    yield Case(
        "memory, 8x and 1x",
        [also(large, database, f"{source.stem} rows"), also(eighth, database, f"{rows} rows")],
        "peak <= 300 MB, +-15 %",
    )


@contextmanager
def start(source: Path, folder: Path) -> Generator[Case]:
    """Importing the package against bare Python."""
    ours = Contestant("import active_data_flow", [sys.executable, "-c", "import active_data_flow"])
    bare = Contestant("bare Python", [sys.executable, "-c", "pass"])
    yield Case("start", [ours, bare], "+60 ms")


@contextmanager
def help_(source: Path, folder: Path) -> Generator[Case]:
    """`adf --help` against bare Python."""
    ours = Contestant("adf --help", [ADF, "--help"])
    bare = Contestant("bare Python", [sys.executable, "-c", "pass"])
    yield Case("help", [ours, bare], "150 ms in all")


@contextmanager
def postgres() -> Generator[Any]:
    """The tests' PostgreSQL server, but with fsync."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from services import PostgreSQL

    class Chosen(PostgreSQL):
        """Another version where ``POSTGRES_BIN`` names its folder of programs."""

        def _binary(self, name: str) -> str:
            folder = os.environ.get("POSTGRES_BIN")
            return str(Path(folder) / name) if folder else super()._binary(name)

    server = Chosen()
    server.start()
    server.run_sql("alter system set fsync = on")
    server.run_sql("alter system set full_page_writes = on")
    server.run_sql("alter system set max_wal_size = '4GB'")
    server.run_sql("select pg_reload_conf()")
    try:
        yield server
    finally:
        server.close()


CASES: dict[str, CaseMaker] = {
    "postgres": csv_to_postgres,
    "sqlite": csv_to_sqlite,
    "parquet": csv_to_parquet,
    "memory": memory,
    "start": start,
    "help": help_,
}
