"""What goes in by binary COPY comes out the same; the server itself is asked."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.sql.client import Address, RefusedRowsError, connect
from active_data_flow.connectors.sql.client.copy_binary import copy_rows


def decimals(precision: int, scale: int):
    return st.integers(-(10**precision) + 1, 10**precision - 1).map(lambda whole: Decimal(f"{whole}e-{scale}"))


def floats(width: int):
    return st.floats(width=width, allow_nan=False)


TYPES = {
    "smallint": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "integer": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "bigint": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "real": (pa.float32(), floats(32)),
    "double precision": (pa.float64(), floats(64)),
    "boolean": (pa.bool_(), st.booleans()),
    "text": (pa.string(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    "bytea": (pa.binary(), st.binary()),
    "date": (pa.date32(), st.dates()),
    "time": (pa.time64("us"), st.times()),
    "timestamp": (pa.timestamp("us"), st.datetimes()),
    "timestamptz": (
        pa.timestamp("us", "UTC"),
        st.datetimes(timezones=st.just(dt.UTC)),
    ),
    "numeric(12,2)": (pa.decimal128(12, 2), decimals(12, 2)),
    "numeric(18,0)": (pa.decimal128(18, 0), decimals(18, 0)),
    "numeric(19,4)": (pa.decimal128(19, 4), decimals(19, 4)),
    "numeric(38,0)": (pa.decimal128(38, 0), decimals(38, 0)),
    "numeric(38,37)": (pa.decimal128(38, 37), decimals(38, 37)),
    "numeric(5,5)": (pa.decimal128(5, 5), decimals(5, 5)),
}
TYPES |= {
    f"{name}[]": (pa.list_(kind), st.lists(st.none() | values, max_size=4))
    for name, (kind, values) in TYPES.items()
    if name in ("integer", "text", "boolean", "numeric(19,4)", "timestamptz", "bytea", "date")
}


@pytest.fixture(scope="module")
def server(postgres):
    postgres.run_sql("CREATE DATABASE copied")
    url = postgres.url("copied")
    with (
        connect(Address.parse(url, "sink")) as session,
        psycopg.connect(url, autocommit=True, prepare_threshold=None) as reading,
    ):
        reading.execute("SET TIME ZONE 'UTC'")
        yield session, reading
    postgres.run_sql("DROP DATABASE copied WITH (FORCE)")


def copied(server, declared: str, table: pa.Table) -> list:
    session, reading = server
    reading.execute("DROP TABLE IF EXISTS copied")
    reading.execute(f"CREATE TABLE copied (number bigint, value {declared}, again {declared})")
    session.ingest("copied", session.lay_out(table))
    return reading.execute("SELECT number, value, again FROM copied ORDER BY number", binary=True).fetchall()


@pytest.mark.parametrize("declared", TYPES)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_values_come_out_as_they_went_in(server, declared, data):
    kind, values = TYPES[declared]
    given_values = data.draw(st.lists(st.none() | values, max_size=12))
    start = data.draw(st.integers(0, len(given_values)))
    columns = [pa.array(given_values, kind), pa.array(given_values[::-1], kind)]
    table = pa.table([range(len(given_values)), *columns], names=["number", "value", "again"]).slice(start)
    expected = list(enumerate(zip(given_values, given_values[::-1], strict=True)))[start:]
    assert copied(server, declared, table) == [(number, *pair) for number, pair in expected]


def test_not_a_number_and_infinity_stay_what_they_are(server):
    table = pa.table({"number": [1], "value": [math.nan], "again": [-math.inf]})
    [(_, value, again)] = copied(server, "double precision", table)
    assert math.isnan(value)
    assert again == -math.inf


def test_many_rows_and_long_values_keep_their_order(server):
    count = 40_000
    table = pa.table(
        {
            "number": range(count),
            "value": [("x" * (n % 700)) for n in range(count)],
            "again": [None if n % 3 else "y" for n in range(count)],
        }
    )
    rows = copied(server, "text", table)
    assert len(rows) == count
    assert all(row == (n, "x" * (n % 700), None if n % 3 else "y") for n, row in enumerate(rows))


@pytest.mark.parametrize(
    ("declared", "kind", "outside"),
    [
        ("date", pa.date32(), -(2**31)),
        ("timestamp", pa.timestamp("us"), -(2**63)),
        ("time", pa.time64("us"), 86_400_000_001),
        ("numeric(3,1)", pa.decimal128(12, 1), 10_000),
    ],
)
def test_what_the_server_cannot_hold_is_refused_with_its_row(server, declared, kind, outside):
    fine, wrong = pa.array([1], pa.int64()), pa.array([outside], pa.int64())
    if pa.types.is_decimal(kind):
        values = pa.array([Decimal(1), Decimal(outside)], kind)
    else:
        raw = pa.chunked_array([fine, wrong]).combine_chunks()
        values = raw.cast(pa.int32()).view(kind) if declared == "date" else raw.view(kind)
    table = pa.table({"number": [1, 2], "value": values, "again": pa.nulls(2, kind)})
    with pytest.raises(RefusedRowsError) as caught:
        copied(server, declared, table)
    assert caught.value.failure.row == 1


def test_a_type_without_a_binary_form_is_named():
    with pytest.raises(TypeError, match="uint64 has no binary form for COPY"):
        list(copy_rows(pa.record_batch({"n": pa.array([1], pa.uint64())})))


def test_no_rows_are_no_bytes():
    assert list(copy_rows(pa.record_batch({"n": pa.array([], pa.int16())}))) == []
