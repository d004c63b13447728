"""A run that is killed at any moment, and run again, leaves every record in the sink exactly once."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from active_data_flow.engine.crash_points import CRASH_POINTS

FILES, ROWS = 4, 600


def write_input(folder: Path, files: int = FILES, rows: int = ROWS) -> list[tuple[int, str]]:
    folder.mkdir(exist_ok=True)
    expected = []
    for number in range(files):
        with (folder / f"part-{number}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "name"])
            for row in range(rows):
                record = (number * rows + row, f'näme "{row}", of\n{number}')
                writer.writerow(record)
                expected.append(record)
    return expected


def write_flow(folder: Path, sink: dict, lanes: int) -> Path:
    flow = {
        "name": "killed",
        "source": {"type": "file", "path": "in/*.csv", "block_size": 4096, "schema": {"id": "int64", "name": "string"}},
        "sink": sink,
        "parallelism": lanes,
        "checkpoint": {"every": 0},
    }
    path = folder / "flow.yaml"
    path.write_text(yaml.safe_dump(flow))
    return path


class SqlTable:
    def __init__(self, url: str, mode: str) -> None:
        self.url = url
        self.sink = {"type": "sql", "url": url, "table": "names", "mode": mode}
        if mode == "upsert":
            self.sink["unique_by"] = ["id"]

    def rows(self, folder: Path) -> list[tuple[int, str]]:
        if self.url.startswith("sqlite"):
            connection = sqlite3.connect(folder / "out.db")
        else:
            import psycopg

            connection = psycopg.connect(self.url)
        try:
            return sorted(tuple(row) for row in connection.execute("select id, name from names").fetchall())
        finally:
            connection.close()


class Files:
    def __init__(self, path: str, form: str | None = None) -> None:
        self.sink = {"type": "file", "path": path} | ({"format": form} if form else {})

    def rows(self, folder: Path) -> list[tuple[int, str]]:
        path = folder / self.sink["path"]
        if path.is_dir():
            rows = [row for part in sorted(path.glob("*.parquet")) for row in pq.read_table(part).to_pylist()]
        elif path.suffix == ".csv":
            with path.open(newline="") as file:
                rows = list(csv.DictReader(file))
        elif path.suffix == ".json":
            rows = json.loads(path.read_text())
        elif path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
        else:
            rows = [json.loads(line) for line in path.read_text().splitlines()]
        return sorted((int(row["id"]), row["name"]) for row in rows)


SINKS = {
    "sqlite-append": lambda url: SqlTable("sqlite:///out.db", "append"),
    "sqlite-upsert": lambda url: SqlTable("sqlite:///out.db", "upsert"),
    "sqlite-replace": lambda url: SqlTable("sqlite:///out.db", "replace"),
    "postgres-append": lambda url: SqlTable(url(), "append"),
    "postgres-upsert": lambda url: SqlTable(url(), "upsert"),
    "csv-file": lambda url: Files("out.csv"),
    "json-lines-file": lambda url: Files("out.jsonl"),
    "json-array-file": lambda url: Files("out.json"),
    "parquet-file": lambda url: Files("out.parquet"),
    "parquet-parts": lambda url: Files("out/", "parquet"),
}


@pytest.fixture
def target(request):
    return SINKS[request.param](lambda: request.getfixturevalue("postgres_url"))


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("target", SINKS, indirect=True)
def test_killed_at_every_crash_point_in_turn(zygote, tmp_path, target, lanes):
    expected = write_input(tmp_path / "in")
    write_flow(tmp_path, target.sink, lanes)
    killed = [point for point in CRASH_POINTS if zygote.adf(tmp_path, "run", "flow.yaml", crash_at=f"{point}:2") == -9]
    assert zygote.adf(tmp_path, "run", "flow.yaml", "--json") == 0, (tmp_path / "output.txt").read_text()
    assert target.rows(tmp_path) == expected, f"after deaths at {killed}"
    assert killed


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("target", SINKS, indirect=True)
def test_killed_at_random_moments(zygote, tmp_path, target, lanes):
    expected = write_input(tmp_path / "in", rows=3 * ROWS)
    write_flow(tmp_path, target.sink, lanes)
    moments = random.Random(7)
    latest = [0.04, 0.08, 0.12, 0.2, 0.3, 0.4]  # a fast machine is killed in time too
    deaths = sum(
        zygote.adf(tmp_path, "run", "flow.yaml", kill_after=moments.uniform(0.01, moment)) == -9 for moment in latest
    )
    assert zygote.adf(tmp_path, "run", "flow.yaml", "--json") == 0, (tmp_path / "output.txt").read_text()
    assert target.rows(tmp_path) == expected
    assert deaths


@pytest.mark.slow
@pytest.mark.parametrize("where", ["threads", "processes"])
@pytest.mark.parametrize(
    "target", ["sqlite-append", "postgres-append", "postgres-upsert", "parquet-parts"], indirect=True
)
def test_killed_thirty_times_while_more_files_arrive(zygote, tmp_path, target, where):
    expected = write_input(tmp_path / "in", files=2, rows=10 * ROWS)
    flow = write_flow(tmp_path, target.sink, 3)
    document = yaml.safe_load(flow.read_text())
    flow.write_text(yaml.safe_dump({**document, "lanes": where, "checkpoint": {"every": 0.02}}))
    moments = random.Random(11)
    deaths = 0
    for turn in range(30):
        deaths += zygote.adf(tmp_path, "run", "flow.yaml", kill_after=moments.uniform(0.01, 0.3)) == -9
        if turn < 10:
            more = tmp_path / f"more-{turn}"
            write_input(more, files=1, rows=2 * ROWS)
            (more / "part-0.csv").rename(tmp_path / "in" / f"more-{turn}.csv")
            if "upsert" not in str(target.sink):
                expected += [(row, f'näme "{row}", of\n0') for row in range(2 * ROWS)]
    assert zygote.adf(tmp_path, "run", "flow.yaml", "--json") == 0, (tmp_path / "output.txt").read_text()
    assert target.rows(tmp_path) == sorted(expected)
    assert deaths >= 3


@pytest.mark.parametrize("target", ["sqlite-append", "postgres-append", "csv-file"], indirect=True)
def test_a_budget_in_many_slices_adds_up(zygote, tmp_path, target):
    expected = write_input(tmp_path / "in")
    write_flow(tmp_path, target.sink, 2)
    for _ in range(6):
        assert zygote.adf(tmp_path, "run", "flow.yaml", "--budget", "300records") == 0
    assert zygote.adf(tmp_path, "run", "flow.yaml") == 0
    assert target.rows(tmp_path) == expected
