"""The audit finds what the soak looks for: records that are missing, doubled or changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg
import pytest

from active_data_flow.engine.stores.sqlite import SqliteStore
from soak.audit import DatabaseAudit, PartsAudit
from soak.feed import Closed
from soak.records import COLUMNS, DOUBLED, FILE_ROWS, SPOILED, spoiled

FILE = Closed(number=1, rows=1000, size=0)
SERIES = {"postgres": "generate_series(%d, %d) AS ids(id)", "duckdb": "(SELECT unnest(range(%d, %d + 1)) AS id)"}


def records(engine: str, first: int, last: int, more: str = "true") -> str:
    columns = ", ".join(f"{expression} AS {name}" for name, expression in COLUMNS.items())
    made = f"SELECT CAST(id AS bigint) AS id, {columns} FROM {SERIES[engine] % (first, last)} WHERE NOT {SPOILED}"
    return f"SELECT *, {DOUBLED} AS twice FROM ({made}) AS made WHERE {more}"


FAULTS = {
    "missing": ["id <> 200077"],
    "doubled": ["true", "id = 200077"],
    "doubled in place of another": ["id <> 200078", "id = 200077"],
}


@pytest.fixture
def database(postgres_url):
    audit = DatabaseAudit(postgres_url)
    audit.create()

    def put(*conditions: str, change: str | None = None) -> DatabaseAudit:
        with psycopg.connect(postgres_url) as connection:
            for condition in conditions:
                connection.execute(f"INSERT INTO records {records('postgres', *ids(FILE), condition)}".encode())
            if change is not None:
                connection.execute(f"UPDATE records SET {change}".encode())
        return audit

    return put


def ids(file: Closed) -> tuple[int, int]:
    first, end = file.ids
    return first, end - 1


def test_records_in_the_database_that_agree_are_removed_once(database):
    audit = database("true")
    audit.check(FILE)
    assert audit.left() == 0
    audit.check(FILE)
    database("id = 200077")
    assert audit.left() == 1


@pytest.mark.parametrize("conditions", FAULTS.values(), ids=FAULTS)
def test_records_missing_or_doubled_in_the_database_are_found(database, conditions):
    with pytest.raises(AssertionError, match="records, ids, wrong"):
        database(*conditions).check(FILE)


@pytest.mark.parametrize("column", [*COLUMNS, "twice"])
def test_records_changed_in_the_database_are_found(database, column):
    with pytest.raises(AssertionError, match="records, ids, wrong"):
        database("true", change=f"{column} = (SELECT max({column}) FROM records)").check(FILE)


def test_spoiled_records_are_counted():
    with duckdb.connect() as connection:
        for first, end in ((0, 13), (0, 14), (13, 14), (14, 50_034), (14, 50_035), (FILE_ROWS, 2 * FILE_ROWS)):
            query = f"SELECT count(*) FROM (SELECT unnest(range({first}, {end})) AS id) WHERE {SPOILED}"
            assert connection.execute(query).fetchone() == (spoiled(first, end),)


def put_part(folder: Path, name: str, condition: str, columns: str = "*") -> None:
    with duckdb.connect() as connection:
        query = f"SELECT {columns} FROM ({records('duckdb', *ids(FILE), condition)})"
        connection.execute(f"COPY ({query}) TO '{folder}/parts/part-{name}.parquet'")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "parts").mkdir()
    SqliteStore(tmp_path / ".adf" / "state.db").close()
    return tmp_path


def test_parts_are_ticked_off_until_a_file_is_complete(folder):
    audit = PartsAudit(folder)
    put_part(folder, "1", "id <= 200500")
    audit.take()
    assert not audit.check(FILE)
    put_part(folder, "2", "id > 200500")
    audit.take()
    assert audit.check(FILE)
    assert list((folder / "parts").iterdir()) == []
    put_part(folder, "3", "id = 200077")
    with pytest.raises(AssertionError, match="repeats records"):
        audit.take()


@pytest.mark.parametrize("name", ["missing", "doubled in place of another"])
def test_records_missing_in_parts_are_found(folder, name):
    audit = PartsAudit(folder)
    put_part(folder, "1", FAULTS[name][0])
    audit.take()
    assert not audit.check(FILE)


def test_records_doubled_or_changed_in_parts_are_found(folder):
    audit = PartsAudit(folder)
    put_part(folder, "1", "id <= 200500")
    put_part(folder, "2", "id >= 200500")
    with pytest.raises(AssertionError, match="repeats records"):
        audit.take()
    for column in [*COLUMNS, "twice"]:
        (folder / "parts" / "part-2.parquet").unlink()
        put_part(folder, "2", "id > 200500", f"* REPLACE (max({column}) OVER () AS {column})")
        with pytest.raises(AssertionError, match="wrong records"):
            audit.take()


def test_a_part_whose_publication_may_be_repeated_is_left(folder):
    with closing(sqlite3.connect(folder / ".adf" / "state.db")) as store, store:
        store.execute("INSERT INTO committables VALUES ('soak/parts', 0, '[{\"final\": \"part-1.parquet\"}]', 0)")
    put_part(folder, "1", "true")
    audit = PartsAudit(folder)
    audit.take()
    assert not audit.check(FILE)
    assert len(list((folder / "parts").iterdir())) == 1
