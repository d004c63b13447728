"""Options, types, bad values and errors of the SQL source, on SQLite."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.source import SqlSource
from active_data_flow.connectors.sql.splits import SqlSplit, decode, encode, serializer
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError, SourceError
from active_data_flow.testing.suites.source.replay import Replay


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data.db"


def run(url: str, *statements: str) -> None:
    with connect(Address.parse(url, "sink")) as session:
        for statement in statements:
            session.execute(statement)


def rows(source: SqlSource) -> list[dict[str, Any]]:
    replay = Replay()
    replay.run(source)
    assert not replay.rejects
    return replay.rows


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({}, "either a table or a query"),
        ({"table": "t", "query": "SELECT 1"}, "either a table or a query"),
        ({"table": "t", "parameters": {"a": 1}}, "parameters belong to a query"),
        ({"query": "SELECT 1", "namespace": "n"}, "a namespace belongs to a table"),
        ({"table": "t", "key": "a", "cursor": "b"}, "give one of them"),
        ({"table": "t", "cursor": "a", "splits": 2}, "a cursor is read as one split"),
        ({"table": "t", "follow": True}, "follow needs a cursor"),
        ({"table": "t", "settle": 1}, "settle needs a cursor"),
        ({"query": "SELECT 1", "splits": 2}, "split by ranges of a key"),
        ({"query": "SELECT 1 AS a", "cursor": "a"}, "a query's cursor needs a tiebreaker"),
        ({"table": "t", "tiebreaker": "a"}, "tiebreaker belongs to a key or a cursor"),
        ({"table": "t", "splits": 0}, "splits: Input should be greater than or equal to 1"),
        ({"table": "t", "cursr": "a"}, "cursr: unknown option; did you mean cursor"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        SqlSource(url="sqlite:///x.db", **options)


def test_declared_types_of_sqlite_become_arrow_types(url: str) -> None:
    run(
        url,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, b BOOLEAN, r REAL, s VARCHAR(9), x BLOB, d DATE, ts TIMESTAMP,"
        " tz TIMESTAMPTZ, ti TIME, n DECIMAL(10,2), big DECIMAL_TEXT(30,4), free)",
        "INSERT INTO t VALUES (1, 1, 2, 'ä', x'00ff', '2024-02-29', '2024-02-29 10:11:12.123456',"
        " '2024-02-29 10:11:12Z', '05:15:00', 1.5, '12345678901234567890.1234', 7)",
        "INSERT INTO t (id) VALUES (2)",
    )
    source = SqlSource(url=url, table="t")
    first, second = rows(source)
    assert first == {
        "id": 1,
        "b": True,
        "r": 2.0,
        "s": "ä",
        "x": b"\x00\xff",
        "d": dt.date(2024, 2, 29),
        "ts": dt.datetime(2024, 2, 29, 10, 11, 12, 123456),  # noqa: DTZ001  # without a zone
        "tz": dt.datetime(2024, 2, 29, 10, 11, 12, tzinfo=dt.UTC),
        "ti": dt.time(5, 15),
        "n": Decimal("1.50"),
        "big": Decimal("12345678901234567890.1234"),
        "free": 7,
    }
    assert {value for name, value in second.items() if name != "id"} == {None}
    assert source.arrow_schema().field("n").type == pa.decimal128(10, 2)
    assert source.arrow_schema().field("free").type == pa.int64()
    assert next(iter(source.batches())).data.schema == source.arrow_schema()


def test_nulls_first_and_values_later_keep_their_type(url: str) -> None:
    run(
        url,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT, x BLOB, r REAL)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)"
        " INSERT INTO t SELECT i, iif(i > 30000, 'x', NULL), iif(i > 35000, x'01', NULL), iif(i > 20000, 2, NULL)"
        " FROM n",
    )
    read = rows(SqlSource(url=url, table="t"))
    assert len(read) == 40000
    assert (read[-1]["s"], read[-1]["x"], read[-1]["r"]) == ("x", b"\x01", 2.0)


@pytest.mark.parametrize("bad_row", [1, 2, 25_000])
def test_values_that_do_not_fit_their_column_are_rejected_one_by_one(url: str, bad_row: int) -> None:
    run(
        url,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, big INTEGER, d DATE, b BOOLEAN, s TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
        " INSERT INTO t SELECT i, i, 9007199254740993, '2024-01-01', 1, 'x' FROM n",
        f"UPDATE t SET n = 'many' WHERE id = {bad_row}",
        f"UPDATE t SET n = 1.5 WHERE id = {bad_row + 1}",
        f"UPDATE t SET d = '2024-02-30' WHERE id = {bad_row + 2}",
        f"UPDATE t SET b = 2 WHERE id = {bad_row + 3}",
        f"UPDATE t SET s = CAST(x'ff' AS TEXT) WHERE id = {bad_row + 4}",
        f"UPDATE t SET d = 20240101 WHERE id = {bad_row + 5}",
    )
    replay = Replay()
    replay.run(SqlSource(url=url, table="t", batch_size=1000))
    assert len(replay.rows) == 30000 - 6
    assert {row["big"] for row in replay.rows} == {9007199254740993}
    found = {reject.record["id"]: (reject.field, reject.error) for reject in replay.rejects}
    if 1 not in found:
        assert found.keys() == set(range(bad_row, bad_row + 6))
    assert [found[bad_row + number][0] for number in range(6)] == ["n", "n", "d", "b", "s", "d"]
    assert "'many'" in found[bad_row][1]
    assert "2024-02-30" in found[bad_row + 2][1]
    assert all(reject.split_id == "t[id:0]" and reject.stage == "read" for reject in replay.rejects)


def test_a_query_takes_its_types_from_the_tables_and_its_values_from_parameters(url: str) -> None:
    run(
        url,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n DECIMAL(8,2), s TEXT)",
        "INSERT INTO t VALUES (1, 1.25, 'a:b'), (2, 2.5, ':name'), (3, 3.75, 'it''s')",
    )
    source = SqlSource(
        url=url,
        query="SELECT id, n, s, n * 2 AS twice, ':no' AS x FROM t /* :no */ WHERE s IN (:name, :other) -- :no",
        parameters={"name": ":name", "other": "it's"},
        key="id",
    )
    assert [(row["id"], row["n"], row["twice"]) for row in rows(source)] == [
        (2, Decimal("2.50"), 5.0),
        (3, Decimal("3.75"), 7.5),
    ]
    assert source.arrow_schema().field("n").type == pa.decimal128(8, 2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"table": "ordrs"}, SourceError, "has no table ordrs; did you mean orders"),
        (
            {"table": "orders", "columns": ["nme"]},
            ConfigurationError,
            "columns: orders has no column nme; did you mean name",
        ),
        ({"table": "orders", "key": "idd"}, ConfigurationError, "key: orders has no column idd; did you mean id"),
        ({"query": "SELEC 1"}, SourceError, 'near "SELEC": syntax error'),
        ({"query": "SELECT :a AS a"}, ConfigurationError, "no value for :a; parameters has none"),
        ({"query": "SELECT 1 AS a", "parameters": {"b": 1}}, ConfigurationError, "the query does not use b"),
    ],
)
def test_what_is_not_there_is_named(url: str, options: dict[str, Any], error: type[Exception], message: str) -> None:
    run(url, "CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT)")
    source = SqlSource(url=url, **options)
    for action in (source.check, source.arrow_schema, lambda: list(source.batches())):
        with pytest.raises(error, match=message):
            action()


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    source = SqlSource(url=f"sqlite:///{tmp_path}/none.db", table="t")
    with pytest.raises(ActiveDataFlowError, match="does not exist"):
        source.check()
    assert not (tmp_path / "none.db").exists()
    assert "can't be asked" in source.split_notes()[0]


def test_a_source_changes_nothing(url: str) -> None:
    run(url, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    before = Path(url.removeprefix("sqlite:///")).read_bytes()
    with pytest.raises(SourceError):
        list(SqlSource(url=url, query="INSERT INTO t VALUES (1) RETURNING id").batches())
    assert list(SqlSource(url=url, query="SELECT * FROM t").each()) == []
    assert Path(url.removeprefix("sqlite:///")).read_bytes() == before


def test_an_empty_table_gives_one_empty_batch_with_its_columns(url: str) -> None:
    run(url, "CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT)")
    for options in ({"splits": 3}, {"cursor": "id"}, {"key": "s"}):
        batches = list(SqlSource(url=url, table="t", **options).batches())
        assert all(
            batch.finished and batch.num_rows == 0 and batch.data.schema.names == ["id", "s"] for batch in batches
        )
        assert batches


def test_chosen_columns_come_in_their_order_without_the_key(url: str) -> None:
    run(
        url,
        'CREATE TABLE "odd ""name" (id INTEGER PRIMARY KEY, "a b" TEXT, c INTEGER)',
        'INSERT INTO "odd ""name" VALUES (7, \'x\', 1)',
    )
    assert rows(SqlSource(url=url, table='odd "name', columns=["c", "a b"])) == [{"c": 1, "a b": "x"}]


def test_a_database_without_log_is_read_in_pages_so_that_writers_are_not_locked_out(url: str) -> None:
    run(
        url,
        "PRAGMA journal_mode = DELETE",
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)"
        " INSERT INTO t SELECT i FROM n",
    )
    import sqlite3

    replay = Replay()
    batches = replay.batches(SqlSource(url=url, table="t", timeout=0.2))
    next(batches)
    writer = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=1)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    writer.execute("INSERT INTO t VALUES (1000000)")
    writer.commit()
    writer.close()
    for _ in batches:
        pass
    assert [row["id"] for row in replay.rows] == [*range(1, 150001), 1000000]


def test_check_and_notes_say_what_will_be_read(url: str) -> None:
    run(url, "CREATE TABLE t (id INTEGER PRIMARY KEY, seen TIMESTAMP)", "INSERT INTO t VALUES (1, NULL)")
    lines = SqlSource(url=url, table="t").check()
    assert lines[0].startswith("sqlite:///")
    assert "SQLite 3." in lines[0]
    assert "t has 2 columns to read: id int64, seen timestamp[us]" in lines[1]
    assert lines[2:] == ["about 1 rows", "read in the order of id"]
    notes = " ".join(SqlSource(url=url, table="t", cursor="seen").split_notes())
    assert "order of seen, id" in notes
    assert "rows without seen are read once each" in notes
    assert "settle" in notes
    notes = " ".join(SqlSource(url=url, query="SELECT 1 AS one").split_notes())
    assert "can't be told apart" in notes
    assert "committed as a whole" in notes


key_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.binary(),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.one_of(st.none(), st.just(dt.UTC))),
    st.timedeltas(),
)


@given(st.lists(key_values, max_size=4), st.lists(key_values, max_size=3))
def test_values_of_keys_and_splits_survive_json(values: list[Any], bounds: list[Any]) -> None:
    split = SqlSplit("t", "range", ("a", "b"), 3, 1, tuple(encode(value) for value in bounds))
    assert serializer.deserialize(serializer.serialize(split)) == split
    position = json.loads(json.dumps(split.position(values)))
    assert split.resume(position) == (tuple(values), None)
    assert [type(value) for value in split.resume(position)[0] or ()] == [type(value) for value in values]
    assert [decode(bound) for bound in split.bounds] == bounds
    assert SqlSplit("t", "range", ("a", "b"), 4).resume(position) == (None, None)
