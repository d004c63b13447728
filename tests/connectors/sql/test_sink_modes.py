from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.connectors.sql import SqlSink
from active_data_flow.core.errors import ConfigurationError, FencedError, RecordError
from active_data_flow.core.sink import Delivery, WriterContext
from sql_targets import FLOW, Database, batch, checkpoint

TYPES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "int8": (pa.int8(), [-128, 127]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1]),
    "uint32": (pa.uint32(), [0, 2**32 - 1]),
    "float64": (pa.float64(), [0.1, -1e300]),
    "flag": (pa.bool_(), [True, False]),
    "short_decimal": (pa.decimal128(15, 2), [Decimal("1234567890123.45"), Decimal("-0.01")]),
    "long_decimal": (pa.decimal128(38, 10), [Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.5")]),
    "day": (pa.date32(), [dt.date(2013, 1, 31), dt.date(1815, 6, 18)]),
    "clock": (pa.time64("us"), [dt.time(23, 59, 59, 999999), dt.time(0)]),
    "naive": (pa.timestamp("us"), [dt.datetime(2013, 1, 1, 5, 15), dt.datetime(1969, 12, 31, 23, 59, 59, 1)]),  # noqa: DTZ001  # a wall clock has no zone
    "zoned": (
        pa.timestamp("us", "Europe/Oslo"),
        [dt.datetime(2013, 7, 1, 5, 15, tzinfo=dt.UTC), dt.datetime(2050, 1, 1, tzinfo=dt.UTC)],
    ),
    "text": (pa.string(), ["", "a'b\"c\\d\n\té😀%s?;--"]),
    "bytes": (pa.binary(), [b"", b"\x00\xff'\\"]),
    "list": (pa.list_(pa.int64()), [[1, None, 2], []]),
    "texts": (pa.list_(pa.string()), [['a"b', "c,d", "{}"], []]),
    "struct": (
        pa.struct({"a": pa.int64(), "b": pa.date32()}),
        [{"a": 1, "b": dt.date(2013, 1, 1)}, {"a": None, "b": None}],
    ),
    "words": (pa.dictionary(pa.int32(), pa.string()), ["EWR", "JFK"]),
}


def test_append_adds_rows_again_and_again(driver: Database) -> None:
    sink = driver.sink()
    driver.write(sink, batch([{"id": 1, "name": "one"}]), batch([{"id": 2, "name": None}]))
    driver.write(sink, batch([{"id": 1, "name": "one"}]))
    assert driver.rows() == [(1, "one"), (1, "one"), (2, None)]


def test_values_come_back_as_they_were_in_every_type(driver: Database) -> None:
    """What is written is compared in Arrow types after a cast of the text form that the database has."""
    columns = {"n": pa.array([1, 2, 3])} | {
        name: pa.array([*values, None], kind) for name, (kind, values) in TYPES.items()
    }
    sink = driver.sink()
    driver.write(sink, batch(pa.record_batch(columns)))
    assert not driver.rejects
    found = dict(zip(columns, zip(*driver.rows(), strict=True), strict=True))
    for name, (kind, values) in TYPES.items():
        assert [_comparable(value, kind) for value in found[name]] == [
            *(_comparable(value, kind) for value in values), None
        ], name  # fmt: skip


def _comparable(value: Any, kind: pa.DataType) -> Any:  # noqa: PLR0911  # one answer a line
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(str(value))
    if pa.types.is_nested(kind):
        text = str(value).replace("'", '"').replace(" ", "").replace("None", "null")
        return text.replace("datetime.date(2013,1,1)", '"2013-01-01"').replace("\\", "")
    if isinstance(value, dt.timedelta):
        return (dt.datetime.min + value).time().isoformat("microseconds")  # noqa: DTZ901  # only its time is used
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, str) and pa.types.is_timestamp(kind):
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    if pa.types.is_date(kind):
        return str(value)
    return value.isoformat("microseconds") if isinstance(value, dt.time) else value


def test_sqlite_keeps_canonical_texts(sqlite: Database) -> None:
    columns = {name: pa.array([values[0]], kind) for name, (kind, values) in TYPES.items()}
    sqlite.write(sqlite.sink(), batch(pa.record_batch(columns)))
    assert sqlite.rows("SELECT day, clock, naive, zoned, long_decimal, short_decimal, flag, struct FROM t") == [
        (
            "2013-01-31", "23:59:59.999999", "2013-01-01 05:15:00.000000", "2013-07-01 05:15:00.000000Z",
            "1234567890123456789012345678.0123456789", 1234567890123.45, 1, '{"a":1,"b":"2013-01-01"}',
        )
    ]  # fmt: skip


def test_upsert_lets_the_last_row_of_a_key_win(driver: Database) -> None:
    sink = driver.sink(mode="upsert", unique_by=["id"], batch_size=2)
    rows = [{"id": number % 3, "name": f"v{number}"} for number in range(8)]
    driver.write(sink, batch(rows[:5]), batch(rows[5:]))
    assert driver.rows() == [(0, "v6"), (1, "v7"), (2, "v5")]
    driver.write(sink, batch([{"id": 2, "name": "new"}, {"id": 9, "name": None}]))
    assert driver.rows() == [(0, "v6"), (1, "v7"), (2, "new"), (9, None)]


def test_update_only_leaves_the_other_columns_of_known_rows(driver: Database) -> None:
    sink = driver.sink(mode="upsert", unique_by=["k1", "k2"], update_only=["price"])
    first = [{"k1": "a", "k2": 1, "name": "first", "price": 1.0}, {"k1": "a", "k2": 1, "name": "later", "price": 2.0}]
    driver.write(sink, batch(first))
    assert driver.rows() == [("a", 1, "first", 2.0)]
    driver.write(sink, batch([{"k1": "a", "k2": 1, "name": "again", "price": 3.0}]))
    assert driver.rows() == [("a", 1, "first", 3.0)]


def test_upsert_of_nothing_but_keys_adds_them_once(driver: Database) -> None:
    sink = driver.sink(mode="upsert", unique_by=["id"])
    driver.write(sink, batch([{"id": 1}, {"id": 1}, {"id": 2}]))
    driver.write(sink, batch([{"id": 2}, {"id": 3}]))
    assert driver.rows() == [(1,), (2,), (3,)]


def test_upsert_rejects_rows_without_a_key(driver: Database) -> None:
    driver.write(driver.sink(mode="upsert", unique_by=["id"]), batch([{"id": 1, "n": 1}, {"id": None, "n": 2}]))
    assert driver.rows() == [(1, 1)]
    (reject,) = driver.rejects
    assert (reject.field, reject.record["n"], reject.stage) == ("id", 2, "write")
    assert "part of the key" in reject.error


def test_replace_leaves_the_old_table_until_the_end(driver: Database) -> None:
    driver.write(driver.sink(), batch([{"id": 1}, {"id": 2}]))
    sink = driver.sink(mode="replace")
    driver.rows()
    sink.reset(FLOW)
    driver.write(sink, batch([{"id": 7}]))
    assert driver.rows() == [(1,), (2,)]
    found = sink.positions(FLOW)
    assert found is not None
    assert found.splits["a"].position == 1
    sink.finish(WriterContext(FLOW, found.epoch))
    assert driver.rows() == [(7,)]
    after = sink.positions(FLOW)
    assert after is not None
    assert not after.splits


def test_replace_goes_on_with_an_abandoned_run_and_drops_what_a_reset_left(database: Database) -> None:
    sink = database.sink(mode="replace")
    database.write(sink, batch([{"id": 1}]))
    database.write(sink, batch([{"id": 2}]))  # goes on: both rows stay
    with contextlib.closing(database.open(sink)) as writer:
        restored = writer.restore()
    assert restored is not None
    sink.finish(WriterContext(FLOW, restored.epoch))
    assert database.rows() == [(1,), (2,)]
    database.write(sink, batch([{"id": 3}]))
    sink.reset(FLOW)
    database.write(sink, batch([{"id": 4}]))
    found = sink.positions(FLOW)
    assert found is not None
    with pytest.raises(FencedError):
        sink.finish(WriterContext(FLOW, found.epoch - 1))
    sink.finish(WriterContext(FLOW, found.epoch))
    assert database.rows() == [(4,)]


def test_replace_keeps_constraints_indexes_and_views_of_the_old_table(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (id INTEGER NOT NULL, n INTEGER CHECK (n < 10), PRIMARY KEY (id))",
        "CREATE INDEX n_index ON t (n)",
        "CREATE VIEW doubled AS SELECT n * 2 AS n2 FROM t",
    )
    sink = database.sink(mode="replace")
    database.write(sink, batch([{"id": 1, "n": 4}, {"id": 2, "n": 40}]))
    found = sink.positions(FLOW)
    assert found is not None
    sink.finish(WriterContext(FLOW, found.epoch))
    assert database.rows() == [(1, 4)]
    assert [int(row[0]) for row in database.rows("SELECT n2 FROM doubled")] == [8]
    assert len(database.rejects) == 1


def test_an_empty_replacement_empties_the_table(database: Database) -> None:
    database.write(database.sink(), batch([{"id": 1}]))
    sink = database.sink(mode="replace")
    sink.reset(FLOW)
    with contextlib.closing(database.open(sink)) as writer:
        restored = writer.restore()
        assert restored is not None
        writer.commit(checkpoint(restored.epoch, a=1))
    sink.finish(WriterContext(FLOW, restored.epoch))
    assert database.rows() == []


def test_a_single_message_is_written_and_committed_at_once(database: Database) -> None:
    sink = database.sink(mode="upsert", unique_by=["id"])
    sink.write({"id": 1, "name": "one"})
    sink.write({"id": 1, "name": "two"})
    assert database.rows() == [(1, "two")]
    with pytest.raises(RecordError, match="part of the key"):
        sink.write({"id": None, "name": "two"})


def test_check_and_schema_tell_of_server_and_table(driver: Database) -> None:
    sink = driver.sink()
    assert sink.arrow_schema() is None
    assert "exist" in sink.check()[-1]
    driver.write(sink, batch([{"id": 1, "name": "one"}]))
    assert any("table t has 2 columns: id" in line for line in sink.check())
    schema = sink.arrow_schema()
    assert schema is not None
    assert schema.names == ["id", "name"]
    assert schema.types == [pa.int64(), pa.string()]


def test_the_sink_says_what_it_promises(sqlite: Database, postgresql: Database) -> None:
    assert sqlite.sink().delivery_here == (Delivery.TRANSACTIONAL, "rows and positions are one transaction of SQLite")
    assert sqlite.sink().max_writers == 1
    assert postgresql.sink().max_writers is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "upsert"}, "unique_by"),
        ({"unique_by": ["id"]}, "unique_by"),
        ({"update_only": ["a"]}, "update_only is for mode upsert"),
        ({"mode": "upsert", "unique_by": ["a"], "update_only": ["a"]}, "never change: a"),
        ({"url": "oracle://x"}, "no address of a database"),
        ({"url": "sqlite://"}, "names no file"),
        ({"url": "sqlite:///:memory:"}, "names no file"),
        ({"url": "mysql://localhost"}, "names no database"),
        ({"url": "sqlite+nope:///x.db"}, "unknown driver; there are adbc, pysqlite"),
        ({"url": "postgresql://u:secret@h/d"}, "stands in clear"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        SqlSink(**({"url": "sqlite:///x.db", "table": "t"} | options)).check()
    assert "secret" not in str(caught.value)
