from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.connectors.sql import SqlSink
from active_data_flow.connectors.sql.client.failures import classify, mysql_failure, postgresql_failure, sqlite_failure
from active_data_flow.core.errors import SinkError, SinkUnavailableError
from active_data_flow.core.sink import WriterContext
from sql_targets import Database, batch, reasons

TABLE = "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL CHECK (n < 100), s VARCHAR(5), small SMALLINT)"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "null": ({"n": None}, "NOT NULL"),
    "check": ({"n": 100}, "(?i)check constraint|constraint .* failed"),
    "duplicate": ({"id": 0}, "(?i)duplicate|unique constraint"),
    "long": ({"s": "123456"}, "(?i)too long"),
    "range": ({"small": 40_000}, "(?i)out of range|does not fit"),
}


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("fault", BAD)
def test_bad_rows_are_set_aside_and_good_ones_written(driver: Database, mode: str, fault: str) -> None:
    if driver.dialect == "sqlite" and fault in ("long", "range"):
        pytest.skip("SQLite enforces neither length nor range")
    if mode == "upsert" and fault == "duplicate":
        pytest.skip("what upsert is for")
    change, reason = BAD[fault]
    driver.execute(TABLE)
    bad_rows = {7, 8, 40}
    rows = [
        {"id": number, "n": number % 50, "s": "12345", "small": 1} | (change if number in bad_rows else {})
        for number in range(60)
    ]
    options: dict[str, Any] = {"mode": mode, "batch_size": 25} | ({"unique_by": ["id"]} if mode == "upsert" else {})
    driver.write(driver.sink(**options), batch(rows[:30], "first", 30), batch(rows[30:], "second", 60))
    assert [row[0] for row in driver.rows()] == [number for number in range(60) if number not in bad_rows]
    assert len(driver.rejects) == 3
    for reject in driver.rejects:
        expected = {**rows[0], **change}
        assert all(reject.record[name] == expected[name] for name in change)
        assert reject.stage == "write"
    assert sorted((reject.split_id, reject.position) for reject in driver.rejects) == [
        ("first", 30), ("first", 30), ("second", 60)
    ]  # fmt: skip
    for text in reasons(driver):
        assert re.search(reason, text), text


def test_a_nul_character_is_refused_by_postgresql_alone(database: Database) -> None:
    database.write(database.sink(), batch([{"id": 1, "s": "a\0b"}, {"id": 2, "s": "ab"}]))
    if database.dialect == "postgresql":
        assert database.rows() == [(2, "ab")]
        (reject,) = database.rejects
        assert (reject.field, reject.record["s"]) == ("s", "a\0b")
        assert "invalid byte sequence" in reject.error
    else:
        assert database.rows() == [(1, "a\0b"), (2, "ab")]


def test_infinity_and_nan_are_kept_or_refused_but_never_changed(database: Database) -> None:
    rows = [{"id": 1, "f": float("inf")}, {"id": 2, "f": float("nan")}, {"id": 3, "f": 1.0}]
    database.write(database.sink(), batch(rows))
    found = {row[0]: row[1] for row in database.rows()}
    assert found[3] == 1.0
    if database.dialect == "mysql":
        assert set(found) == {3}
        assert len(database.rejects) == 2
    else:
        assert found[1] == float("inf")
        assert not database.rejects


def test_every_row_may_be_bad(database: Database) -> None:
    database.execute(TABLE)
    database.write(database.sink(), batch([{"id": number, "n": 1000} for number in range(40)]))
    assert database.rows() == []
    assert len(database.rejects) == 40


def test_unsigned_numbers_beyond_the_column_are_rejected(sqlite: Database) -> None:
    sqlite.write(sqlite.sink(), batch(pa.record_batch({"n": pa.array([2**64 - 1, 1], pa.uint64())})))
    assert sqlite.rows() == [(1,)]
    assert sqlite.rejects[0].field == "n"


def test_a_read_only_file_says_what_to_do(sqlite: Database) -> None:
    sqlite.write(sqlite.sink(), batch([{"id": 1}]))
    path = Path(sqlite.url.removeprefix("sqlite:///"))
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from sql_targets import Database, batch
try:
    Database({sqlite.url!r}).write(Database({sqlite.url!r}).sink(), batch([{{"id": 2}}]))
except Exception as error:
    print(type(error).__name__, error)
"""
    path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    path.parent.chmod(0o555)
    prefix: list[str] = []
    if os.geteuid() == 0:
        if subprocess.run(["setpriv", "--help"], check=False, capture_output=True).returncode:
            pytest.skip("root may write everything, and there is no setpriv to become someone else")
        prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    done = subprocess.run([*prefix, sys.executable, "-c", code], check=False, capture_output=True, text=True)
    path.parent.chmod(0o755)
    assert "SinkError" in done.stdout, done
    assert "readonly database" in done.stdout
    assert "writable for this user" in done.stdout


def test_a_full_disk_stops_the_run(sqlite: Database) -> None:
    sqlite.write(sqlite.sink(), batch([{"id": 1, "s": "x"}]))
    writer = sqlite.claim(sqlite.sink())
    writer._session.fetch("PRAGMA max_page_count = 20")
    with pytest.raises(SinkError, match=r"no space left.*free some") as caught:  # noqa: PT012  # any of the writes may be the one
        for number in range(100):
            writer.write(batch([{"id": number, "s": "x" * 10_000}]))
            writer.flush()
    assert not isinstance(caught.value, SinkUnavailableError)
    writer.close()
    assert sqlite.rows() == [(1, "x")]


def test_a_user_without_permission_is_told(postgresql: Database) -> None:
    postgresql.write(postgresql.sink(), batch([{"id": 1}]))
    name = f"reader_{os.getpid()}"
    postgresql.execute(f"CREATE ROLE {name} LOGIN", f"GRANT ALL ON _adf_positions, _adf_epochs TO {name}")
    other = Database(postgresql.url.replace("postgres@", f"{name}@"))
    with pytest.raises(SinkError, match="permission denied for table t; grant the permission"):
        other.write(other.sink(), batch([{"id": 2}]))
    postgresql.execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////nowhere/at/all.db", "does not exist; the directory must exist"),
        ("postgresql://u@127.0.0.1:1/d", "is not available"),
        ("mysql://u@127.0.0.1:1/d", "is not available"),
    ],
)
def test_a_database_that_is_not_there_is_named(url: str, message: str) -> None:
    with pytest.raises(SinkError, match=message):
        SqlSink(url=url, table="t", timeout=1).open(WriterContext("f"))


def test_a_password_is_never_shown(postgres: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQL_TEST_URL", postgres.url("nope").replace("postgres@", "postgres:s3cret@"))
    with pytest.raises(SinkError, match='database "nope" does not exist') as caught:
        SqlSink(url="env:SQL_TEST_URL", table="t").check()
    assert "s3cret" not in str(caught.value)


def test_errors_of_drivers_are_understood() -> None:
    assert classify("ERROR: deadlock detected", "40P01") == "unavailable"
    assert classify("could not extend file", "53100") == "full"
    assert classify("database or disk is full", None) == "full"
    assert classify("syntax error", "42601") == "failed"
    assert mysql_failure(1213, "Deadlock found").meaning == "unavailable"
    assert mysql_failure(1114, "The table 't' is full").meaning == "full"
    long = mysql_failure(1406, "Data too long for column 's' at row 3")
    assert (long.meaning, long.column, long.row) == ("refused", "s", 2)
    unique = sqlite_failure("INTERNAL: failed to execute: UNIQUE constraint failed: t.a\nquery was: INSERT")
    assert (unique.meaning, unique.column, unique.text) == ("refused", "a", "UNIQUE constraint failed: t.a")
    text = (
        'x ERROR:  duplicate key value violates unique constraint "p"\n'
        "DETAIL:  Key (id)=(1) already exists.\nCONTEXT:  COPY t, line 5\n"
    )
    found = postgresql_failure(text, "23505")
    assert (found.meaning, found.row) == ("refused", 4)
    assert "Key (id)=(1) already exists." in found.text
