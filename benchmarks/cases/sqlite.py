"""Into SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Case, Contestant, at_most
from benchmarks.schema import NAMES, create
from benchmarks.setting import Setting, peer, program, tool


@contextmanager
def csv(setting: Setting) -> Generator[Case]:
    """Against the shell's ``.import`` into a table of the same columns."""
    path, database = setting.made(".csv"), setting.folder / "made.db"
    url = f"sqlite:///{database}"
    command = ["sqlite3", str(database), ".mode csv", f".import --skip 1 {path} made"]
    contestants = [
        setting.flow({"type": "file", "path": str(path)}, {"type": "sql", "url": url, "table": "made"}),
        tool("sqlite3 .import", command, at_most(0.8)),
        program("open_csv + ADBC", "references.adbc", "ingest", url, path),
    ]
    yield Case("CSV → SQLite", setting.rows, into_database(database, contestants))


@contextmanager
def csv_by_rows(setting: Setting) -> Generator[Case]:
    """Against what makes an object of each row, which takes long enough with fewer rows."""
    path, database = setting.made(".csv"), setting.folder / "made.db"
    url = f"sqlite:///{database}"
    contestants = [
        setting.flow({"type": "file", "path": str(path)}, {"type": "sql", "url": url, "table": "made"}),
        peer("sqlite3 executemany", "executemany", "insert", url, path),
        peer("SQLAlchemy Core insert", "sqlalchemy_rows", "insert", url, path),
        peer("Django bulk_create", "django_rows", "insert", url, path),
    ]
    yield Case("CSV → SQLite, row by row", setting.rows, into_database(database, contestants))


def into_database(database: Path, contestants: list[Contestant]) -> list[Contestant]:
    """Contestants that begin with an empty table ``made``."""
    clean, rows = partial(_clean, database), partial(_rows, database)
    return [replace(one.after(clean), rows=rows) for one in contestants]


def _clean(database: Path) -> None:
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(create())
        connection.commit()


def _rows(database: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(f"select {', '.join(NAMES)} from made").fetchall()
