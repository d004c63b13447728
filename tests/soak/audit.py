"""Compares sinks with the feed, record by record, in bounded memory and disk: what agrees is compared once and removed.

A file of the feed is compared as soon as the flow's positions say that it was read. PostgreSQL counts and compares in
SQL, in the partition that holds the file's records, and empties it; published Parquet parts are read by DuckDB and
deleted, their ids are ticked off file by file. A record that comes twice is found whenever it comes: its partition
or its tick is not as it must be, then or at the end.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg

from soak.feed import Closed, closed_files, path_of
from soak.records import FILE_ROWS, SPOILED, TABLE, WRONG, spoiled

PARTITIONS = 32
PIPELINES = ("soak/database", "soak/parts")


def read_store(folder: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the checkpoint store, read beside the run that writes it."""
    with closing(sqlite3.connect(f"file:{folder}/.adf/state.db?mode=ro", uri=True, timeout=30)) as store:
        return store.execute(query, values).fetchall()


class DatabaseAudit:
    """The table in PostgreSQL.

    Args:
        url: Address of the database.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.checked: set[int] = set()

    def create(self) -> None:
        """Make the table, with a partition for each file that may wait at once, and the list of what was compared."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("CREATE TABLE compared (file bigint PRIMARY KEY)")
            connection.execute(
                f"CREATE TABLE records ({TABLE}) PARTITION BY LIST (((id / {FILE_ROWS}) % {PARTITIONS}))"
            )
            for place in range(PARTITIONS):
                connection.execute(f"CREATE TABLE records_{place} PARTITION OF records FOR VALUES IN ({place})")

    def check(self, file: Closed) -> None:
        """Compare a file's records and remove them, in one transaction that also notes it.

        Raises:
            AssertionError: They are not what the file holds.
        """
        partition = f"records_{file.number % PARTITIONS}"
        with psycopg.connect(self._url) as connection:
            if connection.execute("SELECT 1 FROM compared WHERE file = %s", (file.number,)).fetchone() is None:
                connection.execute(f"LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE")
                self._compare(connection, partition, file)
                connection.execute(f"TRUNCATE {partition}")
                connection.execute("INSERT INTO compared VALUES (%s)", (file.number,))
        self.checked.add(file.number)

    def left(self) -> int:
        """Records that belong to no file that was not compared yet."""
        with psycopg.connect(self._url) as connection:
            return connection.execute("SELECT count(*) FROM records").fetchone()[0]

    def states(self) -> list[dict[str, Any]]:
        """The splits' states as the database has them: the store's copy misses what a kill cut off behind a commit."""
        with psycopg.connect(self._url) as connection:
            if connection.execute("SELECT to_regclass('_adf_positions')").fetchone() == (None,):
                return []
            rows = connection.execute("SELECT state FROM _adf_positions WHERE flow = %s", (PIPELINES[0],)).fetchall()
            return [json.loads(state) for (state,) in rows]

    def positions(self) -> dict[str, int]:
        """How large the table of positions has become."""
        with psycopg.connect(self._url) as connection:
            rows, size = connection.execute(
                "SELECT count(*), pg_total_relation_size('_adf_positions') FROM _adf_positions"
            ).fetchone()
            return {"rows": rows, "bytes": size}

    def _compare(self, connection: psycopg.Connection, partition: str, file: Closed) -> None:
        first, end = file.ids
        found = connection.execute(
            f"SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE id < {first} OR id >= {end}"
            f" OR {SPOILED} OR {WRONG}) FROM {partition}".replace("%", "%%"),
            (),
        ).fetchone()
        expected = file.rows - spoiled(first, end)
        assert found == (expected, expected, 0), f"{file}: {found} records, ids, wrong ones of {expected}"


class PartsAudit:
    """The published Parquet files.

    Args:
        folder: Folder of the soak.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = duckdb.connect(config={"threads": 1, "memory_limit": "512MB"})
        self._seen: dict[int, np.ndarray] = {}
        self.checked: set[int] = set()
        self.parts = 0

    def take(self) -> None:
        """Compare what was published since, but for parts whose publication a restart may still repeat.

        Raises:
            AssertionError: A record is there twice, or is not what the feed wrote.
        """
        published = sorted((self._folder / "parts").glob("part-*.parquet"))
        undone = read_store(self._folder, "SELECT items FROM committables WHERE done = 0")
        repeated = {item["final"] for (items,) in undone for item in json.loads(items)}
        for part in published:
            if part.name not in repeated:
                self._tick_off(part)
                part.unlink()
                self.parts += 1

    def check(self, file: Closed) -> bool:
        """Whether all of a file's records have come; the ticks are then forgotten."""
        first, end = file.ids
        ticks = self._seen.get(file.number)
        if (0 if ticks is None else int(ticks.sum())) < end - first - spoiled(first, end):
            return False
        self.checked.add(file.number)
        self._seen.pop(file.number, None)
        return True

    def _tick_off(self, part: Path) -> None:
        query = f"SELECT id, {SPOILED} OR {WRONG} AS wrong FROM read_parquet('{part}')"
        found = self._database.sql(query).fetchnumpy()
        ids, wrong = np.asarray(found["id"]), np.asarray(found["wrong"])
        assert not wrong.any(), f"{part.name}: wrong records, as {ids[wrong][:5]}"
        assert len(np.unique(ids)) == len(ids), f"{part.name} has records twice"
        for number in np.unique(ids // FILE_ROWS):
            places = ids[ids // FILE_ROWS == number] - number * FILE_ROWS
            assert int(number) not in self.checked, f"{part.name} repeats records of file {number}"
            ticks = self._seen.setdefault(int(number), np.zeros(FILE_ROWS, dtype=bool))
            assert not ticks[places].any(), f"{part.name} repeats records of file {number}"
            ticks[places] = True


class Audit:
    """Both sinks against the feed's ledger.

    Args:
        folder: Folder of the soak.
        url: Address of the database.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self.database = DatabaseAudit(url)
        self.parts = PartsAudit(folder)
        self.done: dict[int, Closed] = {}

    @property
    def records(self) -> int:
        """Records of the feed that were compared in both sinks, or had to be rejected."""
        return sum(file.rows for file in self.done.values())

    def turn(self) -> None:
        """Compare what has come since, and delete the feed's files that are done."""
        self.parts.take()
        offsets = self._offsets()
        for file in closed_files(self._folder):
            if file.number in self.done or (file.rows and not _was_read(file, offsets)):
                continue
            if file.number not in self.database.checked:
                self.database.check(file)
            if self.parts.check(file):
                self.done[file.number] = file
                (self._folder / path_of(file.number)).unlink()

    def finish(self) -> None:
        """Compare all that is left.

        Raises:
            AssertionError: Something is missing, is there twice, or was not rejected as it had to be.
        """
        self.turn()
        files = list(closed_files(self._folder))
        missing = [file for file in files if file.number not in self.done]
        assert not missing, f"not all records have come of {missing}"
        assert not self.database.left(), "records came twice, after they had been compared"
        bad = sum(spoiled(*file.ids) for file in files)
        for pipeline, states in zip(PIPELINES, self._states(), strict=True):
            self._check_counts(pipeline, states, sum(file.rows for file in files), bad)

    def _states(self) -> list[list[dict[str, Any]]]:
        rows = read_store(self._folder, "SELECT state FROM splits WHERE flow = ?", PIPELINES[1])
        return [self.database.states(), [json.loads(state) for (state,) in rows]]

    def _offsets(self) -> list[dict[str, int]]:
        return [
            {state["split"]["path"]: (state["position"] or {}).get("offset", 0) for state in states}
            for states in self._states()
        ]

    def _check_counts(self, pipeline: str, states: list[dict[str, Any]], rows: int, bad: int) -> None:
        rejects = read_store(
            self._folder, "SELECT status, count(*) FROM rejects WHERE flow = ? GROUP BY status", pipeline
        )
        assert rejects == ([("open", bad)] if bad else []), f"{pipeline}: {rejects} rejects of {bad}"
        counts = [sum(state["counts"][name] for state in states) for name in ("records_read", "records_written")]
        assert counts == [rows, rows - bad], f"{pipeline}: counts {counts} of {rows}, {bad} of them spoiled"


def _was_read(file: Closed, offsets: list[dict[str, int]]) -> bool:
    return all(seen.get(path_of(file.number), 0) == file.size for seen in offsets)


__all__ = ["PARTITIONS", "PIPELINES", "Audit", "DatabaseAudit", "PartsAudit", "read_store"]
