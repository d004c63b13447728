"""Files to Arrow: what reading alone costs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from benchmarks.harness import Case, at_most, peak_at_most
from benchmarks.setting import Setting, peer, program


@contextmanager
def csv(setting: Setting) -> Generator[Case]:
    """Against `open_csv` with the same types and blocks."""
    path = setting.made(".csv")
    yield Case(
        "CSV → Arrow",
        setting.rows,
        [
            program("FileSource", "ours.read_file", path),
            program("pyarrow open_csv", "references.open_csv", path, goal=at_most(1.1)),
            peer("polars scan_csv", "polars_read", path),
            peer("DuckDB read_csv", "duckdb_read", path),
        ],
    )


@contextmanager
def csv_by_rows(setting: Setting) -> Generator[Case]:
    """Against the standard library, which takes long enough with fewer rows."""
    path = setting.made(".csv")
    yield Case(
        "CSV → Arrow, row by row",
        setting.rows,
        [program("FileSource", "ours.read_file", path), peer("csv.DictReader", "dict_reader", path)],
    )


@contextmanager
def json_lines(setting: Setting) -> Generator[Case]:
    """Against `open_json` with the same types and blocks."""
    path = setting.made(".jsonl")
    yield Case(
        "JSON lines → Arrow",
        setting.rows,
        [
            program("FileSource", "ours.read_file", path),
            program("pyarrow open_json", "references.open_json", path, goal=at_most(1.1)),
            peer("DuckDB read_json", "duckdb_read", path),
            peer("polars scan_ndjson", "polars_read", path),
            peer("msgspec", "msgspec_lines", path),
        ],
    )


@contextmanager
def json_array(setting: Setting) -> Generator[Case]:
    """Against DuckDB, and in little memory."""
    path = setting.made(".json")
    ours = program("FileSource", "ours.read_file", path, goal=peak_at_most(100))
    yield Case(
        "JSON array → Arrow",
        setting.rows,
        [
            ours,
            program("DuckDB read_json", "references.duckdb_json", path, goal=at_most(2.0)),
            peer("ijson", "ijson_array", path),
        ],
    )
