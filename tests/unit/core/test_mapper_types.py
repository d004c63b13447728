from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from active_data_flow.core.batch import Batch
from active_data_flow.core.message import Message, MessageMapper, Untyped, map_messages
from active_data_flow.core.schema import arrow_schema


def batch_of(rows: list[dict[str, Any]], schema: pa.Schema | None = None) -> Batch:
    return Batch(pa.RecordBatch.from_pylist(rows, schema=schema), "prices.csv", 7)


def mapped(rows: list[dict[str, Any]], function: Any, **options: Any) -> list[dict[str, Any]]:
    result = map_messages(batch_of(rows), function, **options)
    result.data.validate(full=True)
    assert result.rejects == ()
    return result.data.to_pylist()


PRICES = [
    {"sku": "a", "price": 1.5, "count": 2},
    {"sku": "b", "price": 2.5, "count": 0},
    {"sku": "c", "price": 9.0, "count": 1},
]


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "kind", "stored"),
    [
        (1, pa.int64(), 1),
        (1.5, pa.float64(), 1.5),
        (True, pa.bool_(), True),
        ("x", pa.string(), "x"),
        (b"x", pa.binary(), b"x"),
        (date(2024, 1, 2), pa.date32(), date(2024, 1, 2)),
        (datetime(2024, 1, 2, tzinfo=UTC), pa.timestamp("us", "UTC"), datetime(2024, 1, 2, tzinfo=UTC)),
        (datetime(2024, 1, 2), pa.timestamp("us"), datetime(2024, 1, 2)),  # noqa: DTZ001
        (timedelta(seconds=1), pa.duration("us"), timedelta(seconds=1)),
        (Decimal("1.5"), pa.decimal128(38, 9), Decimal("1.500000000")),
        (Decimal("1E-12"), pa.decimal128(38, 12), Decimal("1E-12")),
        ([1, 2], pa.list_(pa.int64()), [1, 2]),
        ((1, 2), pa.list_(pa.int64()), [1, 2]),
        ({"a": 1}, pa.struct([("a", pa.int64())]), {"a": 1}),
        ({"a": Untyped(b=[1])}, pa.struct([("a", pa.struct([("b", pa.list_(pa.int64()))]))]), {"a": {"b": [1]}}),
        (np.int32(5), pa.int64(), 5),
        (np.float64(5.5), pa.float64(), 5.5),
        (np.array([1, 2]), pa.list_(pa.int64()), [1, 2]),
        (Colour.RED, pa.string(), "red"),
    ],
)
def test_new_columns_take_the_type_of_what_is_written(value: Any, kind: pa.DataType, stored: Any) -> None:
    result = map_messages(batch_of(PRICES), lambda message: message | {"new": value if message["count"] else None})
    assert result.rejects == ()
    assert result.data.schema.field("new").type == kind
    assert result.data.column("new").to_pylist() == [stored, None, stored]


def test_whole_numbers_and_fractions_make_fractions() -> None:
    assert [row["new"] for row in mapped(PRICES, lambda message: message | {"new": message["count"] or 0.5})] == [
        2.0,
        0.5,
        1.0,
    ]


def test_a_column_that_gets_other_values_gets_their_type() -> None:
    rows = [{"price": "1.5"}, {"price": "2.5"}]
    assert mapped(rows, lambda message: message | {"price": float(message["price"])}) == [
        {"price": 1.5},
        {"price": 2.5},
    ]


def test_a_narrow_column_keeps_its_type_while_values_fit_and_widens_at_the_start_else() -> None:
    schema = arrow_schema({"n": "int8", "d": "decimal(5,2)", "s": "timestamp[s]"})
    row = {"n": 1, "d": Decimal("1.00"), "s": datetime(2024, 1, 2)}  # noqa: DTZ001
    fits = map_messages(batch_of([row], schema), lambda m: m | {"n": 2, "d": m["d"] * 2, "s": m["s"]})
    assert fits.data.schema.types == schema.types
    wide = map_messages(
        batch_of([row], schema),
        lambda m: m | {"n": 300, "d": Decimal("1.125"), "s": m["s"] + timedelta(microseconds=1)},
    )
    assert wide.data.schema.types == [pa.int64(), pa.decimal128(38, 9), pa.timestamp("us")]
    assert wide.rejects == ()


def test_types_and_columns_stay_the_same_from_batch_to_batch() -> None:
    mapper = MessageMapper(
        lambda message: message | ({"new": message["new_value"]} if message["new_value"] is not None else {})
    )
    schema = arrow_schema({"new_value": "float64?"})
    first = mapper.map(batch_of([{"new_value": None}], schema))
    second = mapper.map(batch_of([{"new_value": 1.5}], schema))
    third = mapper.map(batch_of([{"new_value": None}], schema))
    assert [result.data.schema.names for result in (first, second, third)] == [
        ["new_value"],
        *[["new_value", "new"]] * 2,
    ]
    assert second.data.schema == third.data.schema
    assert third.data.to_pylist() == [{"new_value": None, "new": None}]
    assert mapper.map(Batch(first.data.slice(0, 0), "split", 0)).data.schema == second.data.schema


def test_a_value_that_does_not_fit_the_known_type_rejects_its_row() -> None:
    values = iter([1, 2, 3, "x", 2.5, None])
    mapper = MessageMapper(lambda message: message | {"new": next(values)})
    mapper.map(batch_of(PRICES))
    result = mapper.map(batch_of(PRICES))
    assert [row["new"] for row in result.data.to_pylist()] == [None]
    assert [reject.field for reject in result.rejects] == ["new", "new"]
    assert result.rejects[0].error.startswith("new: 'x' (str) does not fit int64")
    assert "output_schema" in result.rejects[1].error
    assert result.rejects[0].record == PRICES[0]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([1], [1.5]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": "x"}),
        (date(2024, 1, 2), datetime(2024, 1, 2, 3)),  # noqa: DTZ001
        (datetime(2024, 1, 2), datetime(2024, 1, 2, tzinfo=UTC)),  # noqa: DTZ001
        (Decimal("1.5"), Decimal("1E-12")),
        (Decimal("1.5"), Decimal("1.5E-40")),
        (1, 2**63),
        (True, 1),
        ("x", b"x"),
        ("x", "\ud800"),
        ("x", UUID(int=1)),
    ],
)
def test_nothing_is_cut_off_without_a_word(first: Any, later: Any) -> None:
    values = iter([first, later])
    mapper = MessageMapper(lambda message: {"new": next(values)})
    assert mapper.map(batch_of(PRICES[:1])).num_rows == 1
    result = mapper.map(batch_of(PRICES[:1]))
    assert (result.num_rows, len(result.rejects)) == (0, 1)


def test_where_values_are_of_several_kinds_the_columns_own_type_decides() -> None:
    result = map_messages(batch_of(PRICES), lambda message: message | {"sku": 5} if message["count"] else message)
    assert result.data.column("sku").to_pylist() == ["b"]
    assert [reject.error.split(" (declare")[0] for reject in result.rejects] == ["sku: 5 (int) does not fit string"] * 2


def test_if_one_of_several_results_does_not_fit_all_of_the_message_is_rejected() -> None:
    def two(message: Message) -> list[Message]:
        return [message | {"n": 1}, message | {"n": "x" if message["sku"] == "b" else 2}]

    result = map_messages(batch_of(PRICES), two)
    assert [row["sku"] for row in result.data.to_pylist()] == ["a", "a", "c", "c"]
    assert [reject.record["sku"] for reject in result.rejects] == ["b"]  # type: ignore[index]


def test_a_column_written_in_some_batches_only_keeps_the_written_type() -> None:
    mapper = MessageMapper(lambda message: message | {"n": int(message["n"])} if message["n"] != "-" else message)
    first = mapper.map(batch_of([{"n": "5"}]))
    second = mapper.map(batch_of([{"n": "-"}]))
    assert first.data.to_pylist() == [{"n": 5}]
    assert (second.num_rows, second.rejects[0].error) == (0, "n: '-' does not fit int64")


def test_a_column_once_put_out_with_its_own_type_keeps_it() -> None:
    mapper = MessageMapper(lambda message: message | {"n": 5.5} if message["n"] == "?" else message)
    mapper.map(batch_of([{"n": "1"}]))
    result = mapper.map(batch_of([{"n": "2"}, {"n": "?"}]))
    assert (result.data.to_pylist(), len(result.rejects)) == ([{"n": "2"}], 1)


# ---------- a declared result


def test_a_declared_result_has_exactly_its_columns_and_types() -> None:
    schema = arrow_schema({"total": "decimal(12,2)", "sku": "string", "note": "string?"})
    result = map_messages(
        batch_of(PRICES), lambda message: message | {"total": str(message["price"])}, output_schema=schema
    )
    assert result.data.schema.equals(schema)
    assert result.data.to_pylist()[0] == {"total": Decimal("1.50"), "sku": "a", "note": None}


def test_what_does_not_fit_a_declared_result_is_rejected() -> None:
    schema = arrow_schema({"sku": "string", "price": "int8"})
    result = map_messages(batch_of(PRICES), lambda message: message, output_schema=schema)
    assert result.data.to_pylist() == [{"sku": "c", "price": 9}]
    assert [reject.error for reject in result.rejects] == [
        "price: 1.5 does not fit int8",
        "price: 2.5 does not fit int8",
    ]
    missing = map_messages(batch_of(PRICES), lambda message: {"sku": message["sku"]}, output_schema=schema)
    assert missing.rejects[0].error.startswith("price: is not in the message")


def test_an_empty_declared_result_has_its_columns() -> None:
    schema = arrow_schema({"total": "int64"})
    result = map_messages(batch_of(PRICES), lambda message: None, output_schema=schema)
    assert result.data.schema.equals(schema)
