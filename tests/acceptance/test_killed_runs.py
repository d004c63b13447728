"""Many runs of a flow add up: killed at any time of the clock while more files arrive, or stopped by their budgets.

What single faults do, `test_crash_sinks.py` and `test_crash_sources.py` prove.
"""

from __future__ import annotations

import random

import psycopg
import pytest

from active_data_flow.testing.crash import compare
from crash_flows import CSV, records, rows_in_sqlite, rows_of, write_csv, write_flow

TABLE = {"type": "sql", "table": "names"}
SINKS = {
    "sqlite-append": TABLE | {"url": "sqlite:///out.db"},
    "postgres-append": TABLE,
    "postgres-upsert": TABLE | {"mode": "upsert", "unique_by": ["id"]},
    "csv-file": {"type": "file", "path": "out.csv"},
    "parquet-parts": {"type": "file", "path": "out/", "format": "parquet"},
}


@pytest.fixture
def sink(request):
    sink = SINKS[request.param]
    return sink if "path" in sink or "url" in sink else sink | {"url": request.getfixturevalue("postgres_url")}


def written(folder, sink):
    if sink["type"] == "file":
        return rows_of(folder / sink["path"])
    if sink["url"].startswith("sqlite"):
        return rows_in_sqlite(folder / "out.db")
    with psycopg.connect(sink["url"]) as connection:
        return connection.execute("select id, name from names").fetchall()


def arrive(folder, number, rows):
    write_csv(folder / "arriving.csv", rows)
    (folder / "in").mkdir(exist_ok=True)
    (folder / "arriving.csv").rename(folder / "in" / f"part-{number:02}.csv")
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("lanes", ["threads", "processes"])
@pytest.mark.parametrize(
    "sink", ["sqlite-append", "postgres-append", "postgres-upsert", "parquet-parts"], indirect=True
)
def test_killed_thirty_times_while_more_files_arrive(zygote, tmp_path, sink, lanes):
    expected = [record for number in range(2) for record in arrive(tmp_path, number, records(number, 6000))]
    write_flow(tmp_path, CSV, sink, parallelism=3, lanes=lanes, checkpoint={"every": 0.02})
    moments = random.Random(11)
    deaths = 0
    for turn in range(30):
        deaths += zygote.adf(tmp_path, "run", "flow.yaml", kill_after=moments.uniform(0.01, 0.3)) == -9
        if turn < 10:
            expected += arrive(tmp_path, 10 + turn, records(10 + turn, 1200))
    assert zygote.adf(tmp_path, "run", "flow.yaml", "--json") == 0, (tmp_path / "output.txt").read_text()
    comparison = compare(expected, written(tmp_path, sink))
    assert comparison.exact, str(comparison)
    assert deaths >= 3


@pytest.mark.parametrize("sink", ["sqlite-append", "postgres-append", "csv-file"], indirect=True)
def test_a_budget_in_many_slices_adds_up(zygote, tmp_path, sink):
    expected = [record for number in range(4) for record in arrive(tmp_path, number, records(number, 600))]
    write_flow(tmp_path, CSV, sink, parallelism=2)
    for _ in range(6):
        assert zygote.adf(tmp_path, "run", "flow.yaml", "--budget", "300records") == 0
    assert zygote.adf(tmp_path, "run", "flow.yaml") == 0
    comparison = compare(expected, written(tmp_path, sink))
    assert comparison.exact, str(comparison)
