from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.connectors.sql.sink_configuration import replacement_name
from active_data_flow.core.errors import SchemaError, SinkError, SinkUnavailableError
from active_data_flow.core.policies import Drift, SchemaContract
from sql_targets import Database, batch, checkpoint, reasons

FROZEN = SchemaContract(table=Drift.FREEZE, column=Drift.FREEZE, type=Drift.FREEZE)


def test_a_table_is_made_with_key_types_and_not_null(database: Database) -> None:
    fields = [pa.field("id", pa.int64(), nullable=False), pa.field("sku", pa.string()), pa.field("n", pa.int32())]
    data = pa.record_batch([pa.array([1, 2]), pa.array(["a", "b"]), pa.array([1, None], pa.int32())], pa.schema(fields))
    sink = database.sink(create_table={"primary_key": ["sku"], "types": {"sku": "varchar(20)"}})
    database.write(sink, batch(data))
    schema = sink.arrow_schema()
    assert schema is not None
    assert [field.nullable for field in schema] == [False, False, True]
    assert any("varchar" in line or "character varying(20)" in line for line in sink.check())


def test_a_table_that_must_not_be_made_is_shown(database: Database) -> None:
    with pytest.raises(SinkError, match="CREATE TABLE") as caught:
        database.write(database.sink(), batch([{"id": 1, "name": "x"}]), contract=FROZEN)
    assert "does not exist" in str(caught.value)
    assert database.sink().arrow_schema() is None


def test_new_columns_are_added_also_between_commits(driver: Database) -> None:
    sink = driver.sink()
    with contextlib.closing(driver.claim(sink)) as writer:
        writer.write(batch([{"id": 1}]))
        writer.flush()
        if driver.dialect == "mysql":  # whose changes of tables would commit the rows: they are written again
            with pytest.raises(SinkUnavailableError, match="written again"):
                writer.write(batch([{"id": 2, "name": "two"}]))
            writer.close()
            writer = driver.claim(sink)  # noqa: PLW2901  # the run goes on with another writer
            writer.write(batch([{"id": 1}]))
        writer.write(batch([{"id": 2, "name": "two"}]))
        writer.write(batch([{"name": "three", "id": 3}]))
        writer.write(batch([{"id": 4}]))
        writer.commit(checkpoint(2 if driver.dialect == "mysql" else 1, a=4))
        writer.close()
    assert driver.rows() == [(1, None), (2, "two"), (3, "three"), (4, None)]


@pytest.mark.parametrize("drift", [Drift.FREEZE, Drift.DISCARD, Drift.FAIL])
def test_values_of_another_type_follow_the_contract(database: Database, drift: Drift) -> None:
    database.write(database.sink(), batch([{"id": 1, "n": 5}]))
    rows = batch([{"id": 2, "n": "6"}, {"id": 3, "n": "seven"}])
    contract = SchemaContract(type=drift)
    if drift is Drift.FAIL:
        with pytest.raises(SchemaError, match="seven"):
            database.write(database.sink(), rows, contract=contract)
        return
    database.write(database.sink(), rows, contract=contract)
    if drift is Drift.DISCARD:
        assert database.rows() == [(1, 5), (2, 6), (3, None)]
    else:
        assert database.rows() == [(1, 5), (2, 6)]
        assert [(reject.field, reject.record["n"]) for reject in database.rejects] == [("n", "seven")]


@pytest.mark.parametrize(
    ("known", "given", "kind"),
    [
        (pa.array([1], pa.int32()), pa.array([2**40]), pa.int64()),
        (pa.array([1], pa.int64()), pa.array([1.5]), pa.float64()),
        (pa.array([1], pa.int64()), pa.array(["one"]), pa.string()),
        (pa.array([dt.date(2013, 1, 1)]), pa.array([dt.datetime(2013, 1, 1, 5)]), pa.timestamp("us")),  # noqa: DTZ001  # a wall clock has no zone
    ],
)
def test_columns_are_widened_where_the_contract_evolves_types(
    database: Database, known: pa.Array, given: pa.Array, kind: pa.DataType
) -> None:
    sink = database.sink()
    contract = SchemaContract(type=Drift.EVOLVE)
    database.write(sink, batch(pa.record_batch({"id": pa.array([1]), "v": known})))
    wide = batch(pa.record_batch({"id": pa.array([2]), "v": given}))
    database.write(sink, wide, contract=contract)
    assert not database.rejects
    schema = sink.arrow_schema()
    assert schema is not None
    if database.dialect == "sqlite":  # whose columns take values of any type
        assert len(database.rows()) == 2
    else:
        assert schema.field("v").type == kind
    assert str(database.rows()[1][1])[:10] in (str(given[0].as_py())[:10], "1.5")


def test_columns_that_already_exist_take_what_they_are_for(postgresql: Database) -> None:
    """Types that binary COPY can't fill go through a staging table, by a cast of the database."""
    postgresql.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        'CREATE TABLE t (id int PRIMARY KEY, u uuid, i inet, "iv" interval, m mood, j json, b jsonb, c char(4), '
        "n numeric, x int GENERATED ALWAYS AS (id * 2) STORED, d int DEFAULT 7)",
    )
    row = {
        "id": 1, "u": "6f1cf6d2-61e1-4b0e-9d2b-1f5ab0c2d3e4", "i": "10.0.0.1", "iv": "1 day", "m": "glad",
        "j": '{"a":1}', "b": '{"a":1}', "c": "ab", "n": 12.25,
    }  # fmt: skip
    postgresql.write(postgresql.sink(), batch([row, row | {"id": 2, "u": "no uuid"}, row | {"id": 3, "m": "angry"}]))
    assert postgresql.rows("SELECT u::text, i::text, iv::text, m::text, b->>'a', n::text, x, d FROM t") == [
        (row["u"], "10.0.0.1/32", "1 day", "glad", "1", "12.25", 2, 7)
    ]
    assert sorted(reject.record["id"] for reject in postgresql.rejects) == [2, 3]
    assert any("invalid input syntax for type uuid" in reason for reason in reasons(postgresql))
    with pytest.raises(SinkError, match=r"column x of table .* is generated"):
        postgresql.write(postgresql.sink(), batch([row | {"x": 1}]))


def test_a_namespace_is_where_table_and_positions_are(postgresql: Database) -> None:
    postgresql.execute("CREATE SCHEMA sales")
    sink = postgresql.sink(namespace="sales", mode="upsert", unique_by=["id"])
    postgresql.write(sink, batch([{"id": 1, "v": "x"}]), batch([{"id": 1, "v": "y"}]))
    assert postgresql.rows("SELECT * FROM sales.t") == [(1, "y")]
    assert postgresql.rows("SELECT count(*) FROM sales._adf_positions") == [(1,)]


def test_names_may_be_anything(database: Database) -> None:
    odd = 'a "b" %s ? $1 ß'
    sink = database.sink(table="select", mode="upsert", unique_by=[odd])
    database.write(sink, batch([{odd: "k", "order": 1}]), batch([{odd: "k", "order": 2}]))
    schema = sink.arrow_schema()
    assert schema is not None
    assert schema.names == [odd, "order"]
    quote = "`" if database.dialect == "mysql" else '"'
    assert database.rows(f"SELECT {quote}order{quote} FROM {quote}select{quote}") == [(2,)]


@pytest.mark.parametrize(
    ("definition", "options", "message"),
    [
        ("id int, n int NOT NULL", {}, "needs a value for n"),
        ("id int", {"mode": "upsert", "unique_by": ["id"]}, "CREATE UNIQUE INDEX"),
        ("id int, v int, UNIQUE (id, v)", {"mode": "upsert", "unique_by": ["id"]}, "no unique index on"),
        ("id int, PRIMARY KEY (id)", {"mode": "upsert", "unique_by": ["nope"]}, "the data has no column nope"),
    ],
)
def test_a_table_that_does_not_fit_is_named_with_the_remedy(
    database: Database, definition: str, options: dict[str, Any], message: str
) -> None:
    database.execute(f"CREATE TABLE t ({definition})")
    with pytest.raises(SinkError, match=message):
        database.write(database.sink(**options), batch([{"id": 1}]))
    assert database.rows() == []


def test_columns_that_differ_in_case_only_are_refused_where_they_are_one(sqlite: Database) -> None:
    with pytest.raises(SinkError, match="several columns id"):
        sqlite.write(sqlite.sink(), batch([{"id": 1, "ID": 2}]))


def test_replacement_names_fit_every_database() -> None:
    names = {replacement_name("x" * 60 + end) for end in ("a", "b")} | {replacement_name("flights")}
    assert len(names) == 3
    assert "flights__adf_new" in names
    assert all(len(name) <= 63 for name in names)
