"""The SQL source on MariaDB, and so on MySQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.source import SqlSource
from active_data_flow.core.errors import SourceError, SourceUnavailableError
from active_data_flow.testing.suites.source.replay import Replay
from services import MariaDB

pytestmark = pytest.mark.mariadb


def run(url: str, *statements: str) -> None:
    with connect(Address.parse(url, "sink")) as session:
        for statement in statements:
            session.execute(statement)


def test_types_come_as_they_are(mariadb_url: str) -> None:
    run(
        mariadb_url,
        "CREATE TABLE t (i1 TINYINT, b TINYINT(1), bits BIT(5), u8 BIGINT UNSIGNED, n DECIMAL(10,2), f FLOAT, d DOUBLE,"
        " s VARCHAR(9), x VARBINARY(4), e ENUM('a','b'), day DATE, ts DATETIME(6), tz TIMESTAMP,"
        " ti TIME, y YEAR, j JSON)",
        "INSERT INTO t VALUES (-1, 1, b'101', 18446744073709551615, 1.5, 1.5, 2.5, 'ä', x'00ff', 'b', '2024-02-29',"
        " '2024-02-29 10:11:12.123456', '2024-02-29 10:11:12', '05:15:00', 2024, '{\"a\": 1}')",
    )
    source = SqlSource(url=mariadb_url, table="t")
    first = {
        "i1": -1, "b": True, "bits": 5, "u8": 18446744073709551615, "n": Decimal("1.50"), "f": 1.5, "d": 2.5, "s": "ä",
        "x": b"\x00\xff", "e": "b", "day": dt.date(2024, 2, 29),
        "ts": dt.datetime(2024, 2, 29, 10, 11, 12, 123456),  # noqa: DTZ001  # without a zone
        "tz": dt.datetime(2024, 2, 29, 10, 11, 12, tzinfo=dt.UTC), "ti": dt.time(5, 15), "y": 2024, "j": '{"a": 1}',
    }  # fmt: skip
    assert list(source.each()) == [first]
    assert source.arrow_schema().names == list(first)
    query = SqlSource(url=mariadb_url, query="SELECT n, ts, ti, u8 FROM t WHERE s = :s", parameters={"s": "ä"})
    assert list(query.each()) == [{name: first[name] for name in ("n", "ts", "ti", "u8")}]


def test_dates_of_zeros_are_rejected_one_by_one(mariadb_url: str) -> None:
    run(
        mariadb_url,
        "CREATE TABLE t (id INT PRIMARY KEY, day DATE, ti TIME)",
        "SET SESSION sql_mode = ''",
        "INSERT INTO t VALUES (1, '0000-00-00', '01:00'), (2, '2024-01-01', '100:00'), (3, '2024-01-01', '01:00')",
    )
    with connect(Address.parse(mariadb_url, "sink")) as session:
        session.execute("SET SESSION sql_mode = ''")
        session.execute("REPLACE INTO t VALUES (1, '0000-00-00', '01:00')")
    replay = Replay()
    replay.run(SqlSource(url=mariadb_url, table="t"))
    assert [row["id"] for row in replay.rows] == [3]
    assert [(reject.record["id"], reject.field) for reject in replay.rejects] == [(1, "day"), (2, "ti")]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("INT", ["-7", "0", "7", "NULL", "7", "2000000000"]),
        ("DECIMAL(30,10)", ["12345678901234567890.0000000001", "12345678901234567890.0000000002", "NULL", "0.1"]),
        ("VARCHAR(9)", ["'a'", "'A'", "'ä'", "''", "NULL", "'b''\\\\'"]),
        ("DATETIME(6)", ["'2024-01-01 00:00:00.000001'", "'2024-01-01 00:00:00.000002'", "NULL", "'2024-01-01'"]),
        ("VARBINARY(4)", ["x'00ff'", "x''", "x'27'", "NULL"]),
    ],
)
def test_keys_of_any_type_are_read_once_wherever_a_run_is_stopped(
    mariadb_url: str, kind: str, values: list[Any]
) -> None:
    run(mariadb_url, f"CREATE TABLE t (id INT PRIMARY KEY, k {kind})")
    run(mariadb_url, *(f"INSERT INTO t VALUES ({number}, {value})" for number, value in enumerate(values)))
    for stop in (1, 3):
        for options in ({"key": "k", "splits": 2}, {"cursor": "k"}):
            source = SqlSource(url=mariadb_url, table="t", batch_size=1, **options)
            replay = Replay()
            replay.run(source, stop_after=stop)
            replay.run(source)
            read = Counter(row["id"] for row in replay.rows)
            once = Counter(range(len(values)))
            assert read in (once, once + once if "key" in options else once), (stop, options)


def test_composite_keys_and_large_tables_stream(mariadb_url: str) -> None:
    run(
        mariadb_url,
        "CREATE TABLE t (area VARCHAR(5), number INT, PRIMARY KEY (area, number))",
        "INSERT INTO t SELECT 'a', seq FROM seq_1_to_20000",
        "INSERT INTO t SELECT 'b', seq FROM seq_1_to_20000",
    )
    replay = Replay(lanes=2)
    source = SqlSource(url=mariadb_url, table="t", batch_size=3000, splits=3)
    replay.run(source, stop_after=3)
    replay.run(source)
    assert len(replay.rows) == len({(row["area"], row["number"]) for row in replay.rows}) == 40000


def test_what_the_database_refuses_is_told_in_its_words(mariadb: MariaDB, mariadb_url: str) -> None:
    run(mariadb_url, "CREATE TABLE orders (id INT PRIMARY KEY)")
    with pytest.raises(SourceError, match="no table ordrs; did you mean orders"):
        SqlSource(url=mariadb_url, table="ordrs").check()
    with pytest.raises(SourceError, match="You have an error in your SQL syntax"):
        SqlSource(url=mariadb_url, query="SELEC 1").check()
    with pytest.raises(SourceUnavailableError, match="not available"):
        SqlSource(url=f"mysql://root@127.0.0.1:1/{mariadb_url.rsplit('/', 1)[1]}", table="orders").check()
    assert "about" in " ".join(SqlSource(url=mariadb_url, table="orders").check())
