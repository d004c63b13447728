"""The SQL source on PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.sql.source import SqlSource
from active_data_flow.core.errors import ConfigurationError, SourceError, SourceUnavailableError
from active_data_flow.testing.suites.source.replay import Replay
from services import PostgreSQL

quick = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(source: SqlSource) -> list[dict[str, Any]]:
    replay = Replay()
    replay.run(source)
    assert not replay.rejects
    return replay.rows


TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN price AS numeric(8,3);
CREATE TABLE t (
  i2 int2, i4 int4, i8 int8, o oid, n numeric(12,2), tens numeric(4,-2), free numeric, f4 real, f8 float8, b boolean,
  s text, v varchar(5), c char(3), x bytea, d date, ti time, ts timestamp, tz timestamptz, u uuid, j json, jb jsonb,
  ints int[], words text[], amounts numeric[], times timestamptz[], m mood, p price, span interval, net inet, cash money
);
INSERT INTO t VALUES (
  -1, 2, 3, 4294967295, 1.50, 1200, 0.33333333333333333333, 1.5, 2.5, true, 'ä', 'v', 'c', '\\x00ff',
  '2024-02-29', '05:15',
  '2024-02-29 10:11:12.123456', '2024-02-29 10:11:12+02', '6f9619ff-8b86-d011-b42d-00c04fc964ff',
  '{"a": 1}', '{"a": 1}',
  '{1,NULL,3}', '{a,"b c"}', '{1.5,2}', '{2024-02-29 00:00+00}', 'ok', 1.5, '1 day 02:00', '10.0.0.1/24', 12.34
);
INSERT INTO t (i2) VALUES (NULL)
"""


def test_types_come_as_they_are(postgres_url: str) -> None:
    run(postgres_url, *TYPES.split(";\n"))
    source = SqlSource(url=postgres_url, table="t")
    first, second = rows(source)
    assert first == {
        "i2": -1, "i4": 2, "i8": 3, "o": 4294967295, "n": Decimal("1.50"), "tens": Decimal(1200),
        "free": Decimal("0.33333333333333333333"), "f4": 1.5, "f8": 2.5, "b": True, "s": "ä", "v": "v", "c": "c  ",
        "x": b"\x00\xff", "d": dt.date(2024, 2, 29), "ti": dt.time(5, 15),
        "ts": dt.datetime(2024, 2, 29, 10, 11, 12, 123456),  # noqa: DTZ001  # without a zone
        "tz": dt.datetime(2024, 2, 29, 8, 11, 12, tzinfo=dt.UTC), "u": "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        "j": '{"a": 1}', "jb": '{"a": 1}', "ints": [1, None, 3], "words": ["a", "b c"], "amounts": ["1.5", "2"],
        "times": [dt.datetime(2024, 2, 29, tzinfo=dt.UTC)], "m": "ok", "p": Decimal("1.500"), "span": "1 day 02:00:00",
        "net": "10.0.0.1/24", "cash": Decimal("12.34"),
    }  # fmt: skip
    assert set(second.values()) == {None}
    assert source.arrow_schema().field("p").type == pa.decimal128(8, 3)
    assert source.arrow_schema().field("i2").type == pa.int16()
    as_query = SqlSource(url=postgres_url, query="SELECT * FROM t WHERE i8 = :three", parameters={"three": 3})
    assert as_query.arrow_schema() == source.arrow_schema()
    assert rows(as_query) == [first]


def test_values_that_no_type_can_hold_are_rejected_one_by_one(postgres_url: str) -> None:
    run(
        postgres_url,
        "CREATE TABLE t (id int PRIMARY KEY, d date, ts timestamptz, n numeric)",
        "INSERT INTO t VALUES (1, 'infinity', now(), 1), (2, '2024-01-01', '-infinity', 1),"
        " (3, '2024-01-01', now(), 'NaN'), (4, '2024-01-01', now(), 1)",
    )
    replay = Replay()
    replay.run(SqlSource(url=postgres_url, table="t"))
    assert [row["id"] for row in replay.rows] == [4]
    assert [(reject.record["id"], reject.field) for reject in replay.rejects] == [(1, "d"), (2, "ts"), (3, "n")]


KEYS: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "int": ("bigint", st.one_of(st.integers(-20, 20), st.integers(-(2**63), 2**63 - 1))),
    "text": ("text", st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)),
    "uuid": ("uuid", st.uuids().map(str)),
    "time": ("timestamptz", st.datetimes(min_value=dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC))),  # noqa: DTZ001
    "decimal": ("numeric(30,10)", st.decimals(-(10**18), 10**18, places=10)),
    "bytes": ("bytea", st.binary(max_size=4)),
    "float": ("double precision", st.floats(allow_nan=False)),
    "date": ("date", st.dates()),
}


@quick
@given(data=st.data(), kind=st.sampled_from(sorted(KEYS)), splits=st.integers(1, 4), stop=st.integers(1, 8))
def test_keys_of_any_type_are_read_once_wherever_a_run_is_stopped(
    postgres_url: str, data: st.DataObject, kind: str, splits: int, stop: int
) -> None:
    sql_type, values = KEYS[kind]
    keys = data.draw(st.lists(st.one_of(st.none(), values), max_size=15))
    run(postgres_url, "DROP TABLE IF EXISTS t", f"CREATE TABLE t (id int PRIMARY KEY, k {sql_type})")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.cursor().executemany("INSERT INTO t VALUES (%s, %s)", list(enumerate(keys)))
    source = SqlSource(url=postgres_url, table="t", key="k", splits=splits, batch_size=2, columns=["id"])
    replay = Replay(lanes=2)
    replay.run(source, stop_after=stop)
    replay.run(source)
    once = Counter(range(len(keys)))
    assert Counter(row["id"] for row in replay.rows) in (once, once + once)


@quick
@given(
    rounds=st.lists(
        st.tuples(
            st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=6), st.one_of(st.none(), st.integers(1, 4))
        ),
        max_size=4,
    )
)
def test_a_cursor_reads_each_row_once(postgres_url: str, rounds: list[tuple[list[int | None], int | None]]) -> None:
    run(postgres_url, "DROP TABLE IF EXISTS t", "CREATE TABLE t (id serial PRIMARY KEY, seen timestamptz)")
    source = SqlSource(url=postgres_url, table="t", cursor="seen", batch_size=2)
    replay = Replay()
    seconds, number = 0, 0
    for steps, stop in rounds:
        values: list[str] = []
        for step in steps:
            seconds += step or 0
            number += 1
            time = f"(timestamptz '2024-01-01' + interval '{seconds} microseconds')"
            values.append("(NULL)" if step is None else time)
        if values:
            run(postgres_url, f"INSERT INTO t (seen) VALUES {', '.join(values)}")
        replay.run(source, stop_after=stop)
    replay.run(source)
    assert sorted(row["id"] for row in replay.rows) == list(range(1, number + 1))


def test_lanes_share_ranges_of_keys_with_huge_gaps(postgres_url: str) -> None:
    run(
        postgres_url,
        "CREATE TABLE t (id bigint PRIMARY KEY)",
        "INSERT INTO t SELECT i FROM generate_series(-500, 499) i",
        "INSERT INTO t SELECT 9000000000000000000 + i FROM generate_series(1, 1000) i",
    )
    replay = Replay(lanes=2)
    replay.run(SqlSource(url=postgres_url, table="t", rows_per_split=500))
    assert len(replay.rows) == len({row["id"] for row in replay.rows}) == 2000
    assert len(replay.states) == 4
    sizes = Counter(sum(row["id"] >= bound for bound in (0, 9 * 10**18, 9 * 10**18 + 501)) for row in replay.rows)
    assert max(sizes.values()) <= 510


def test_rows_of_transactions_that_are_not_old_enough_wait(postgres_url: str) -> None:
    run(
        postgres_url,
        "CREATE TABLE t (id serial PRIMARY KEY, seen timestamptz, plain timestamp)",
        "INSERT INTO t (seen, plain) VALUES (now() - interval '1 hour', localtimestamp - interval '1 hour'),"
        " (now(), localtimestamp)",
    )
    for cursor in ("seen", "plain"):
        source = SqlSource(url=postgres_url, table="t", cursor=cursor, settle=60)
        assert [row["id"] for row in rows(source)] == [1]


def test_a_lost_connection_can_be_retried_from_the_last_position(postgres: PostgreSQL, postgres_url: str) -> None:
    run(postgres_url, "CREATE TABLE t (id int PRIMARY KEY, s text)")
    run(postgres_url, "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 60000) i")
    source = SqlSource(url=postgres_url, table="t", batch_size=500)
    replay = Replay()
    batches = replay.batches(source)
    next(batches)
    postgres.run_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE datname = '{postgres_url.rsplit('/', 1)[1]}' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(SourceUnavailableError, match="not available") as caught:
        list(batches)
    assert caught.value.split == "t[id:0]"
    done = len(replay.rows)
    assert 0 < done < 60000
    replay.run(source)
    assert [row["id"] for row in replay.rows] == list(range(1, 60001))


def test_what_the_database_refuses_is_told_in_its_words(postgres_url: str) -> None:
    run(
        postgres_url,
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.orders (id int PRIMARY KEY)",
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
    )
    with pytest.raises(SourceError, match=r"no table shop\.ordrs; did you mean orders"):
        SqlSource(url=postgres_url, table="ordrs", namespace="shop").check()
    with pytest.raises(SourceError, match='column "nme" does not exist'):
        SqlSource(url=postgres_url, query="SELECT nme FROM shop.orders").check()
    with pytest.raises(SourceError, match="division by zero"):
        list(SqlSource(url=postgres_url, query="SELECT 1 / (5 - i) AS x FROM generate_series(1, 9) i").batches())
    as_reader = postgres_url.replace("postgres@", "reader@")
    with pytest.raises(SourceError, match=r"permission denied.*grant"):
        list(SqlSource(url=as_reader, table="orders", namespace="shop").batches())
    with pytest.raises(SourceError, match=r"several columns the name id"):
        SqlSource(url=postgres_url, query="SELECT 1 AS id, 2 AS id").check()
    with pytest.raises(ConfigurationError, match=r"order|cursor"):
        SqlSource(url=postgres_url, table="orders", namespace="shop", cursor="nothing").check()


def test_parameters_are_bound_whatever_they_hold(postgres_url: str) -> None:
    nasty = "'; DROP TABLE t; --"
    run(postgres_url, "CREATE TABLE t (id int PRIMARY KEY, s text)")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("INSERT INTO t VALUES (1, %s), (2, NULL)", [nasty])
    source = SqlSource(
        url=postgres_url,
        query="SELECT id, E'\\':s' AS e, $$:s$$ AS d, '{1,2}'::int[] AS a FROM t"
        " WHERE (s = :s OR :nothing IS NOT NULL) AND id < :top AND :yes",
        parameters={"s": nasty, "nothing": None, "top": 1.5, "yes": True},
    )
    assert rows(source) == [{"id": 1, "e": "':s", "d": ":s", "a": [1, 2]}]


def test_both_drivers_read_the_same(postgres_url: str) -> None:
    run(postgres_url, "CREATE TABLE t (id int PRIMARY KEY, n numeric(8,2), ts timestamptz, u uuid, a int[], x bytea)")
    run(
        postgres_url,
        "INSERT INTO t SELECT i, i * 0.25, now(), gen_random_uuid(), ARRAY[i], 'x' FROM generate_series(1, 50) i",
    )
    by_psycopg = postgres_url.replace("postgresql:", "postgresql+psycopg:")
    for options in ({"table": "t", "key": "u", "batch_size": 20}, {"table": "t", "cursor": "n"}):
        assert rows(SqlSource(url=by_psycopg, **options)) == rows(SqlSource(url=postgres_url, **options))
