"""Peak memory does not grow with the input."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from benchmarks.cases.sqlite import into_database
from benchmarks.harness import Case, Contestant, Goal, peak_at_most
from benchmarks.setting import Setting

FLAT = Goal("peak within 15 %", lambda ours, its: abs(ours.peak - its.peak) <= 0.15 * its.peak)


@contextmanager
def memory(setting: Setting) -> Generator[Case]:
    """CSV into SQLite, against ourselves with an eighth of the rows."""
    database = setting.folder / "made.db"

    def flow(rows: int) -> Contestant:
        source = {"type": "file", "path": str(setting.made(".csv", rows))}
        sink = {"type": "sql", "url": f"sqlite:///{database}", "table": "made"}
        return setting.flow(source, sink, f"{rows:,} rows")

    contestants = [
        replace(flow(setting.rows), goal=peak_at_most(300)),
        replace(flow(setting.rows // 8), goal=FLAT),
    ]
    yield Case("memory", setting.rows, into_database(database, contestants))
