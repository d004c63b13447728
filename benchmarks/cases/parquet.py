"""CSV to Parquet."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Case, Contestant, at_most
from benchmarks.schema import NAMES
from benchmarks.setting import Setting, peer, program


@contextmanager
def csv(setting: Setting) -> Generator[Case]:
    """Against DuckDB's COPY, typed as ours and compressed as ours."""
    path, out = setting.made(".csv"), setting.folder / "out"
    target = out / "made.parquet"
    contestants = [
        setting.flow({"type": "file", "path": str(path)}, {"type": "file", "path": f"{out}/", "format": "parquet"}),
        program("DuckDB COPY", "references.duckdb_parquet", path, target, goal=at_most(1.2)),
        program("pyarrow, two threads", "references.pyarrow_parquet", path, target),
        peer("polars sink_parquet", "polars_parquet", path, target),
    ]
    yield Case("CSV → Parquet", setting.rows, [into_folder(out, one) for one in contestants])


def into_folder(out: Path, contestant: Contestant) -> Contestant:
    """A contestant that begins with an empty folder and leaves Parquet files in it."""
    return replace(contestant.after(partial(_clean, out)), rows=partial(_rows, out))


def _clean(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()


def _rows(out: Path) -> list[tuple[Any, ...]]:
    import duckdb

    return duckdb.sql(f"select {', '.join(NAMES)} from read_parquet('{out}/*.parquet')").fetchall()
