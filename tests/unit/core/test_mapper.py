from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import RecordError, SchemaError, SourceUnavailableError
from active_data_flow.core.message import Message, MessageMapper, Untyped, map_messages, messages_of
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


# ---------- against to_pylist and from_pylist

_KEYS = ["a", "b", "tags"]
_NEW = {"a": st.integers(-9, 9), "b": st.text(max_size=2), "tags": st.lists(st.integers(0, 3), min_size=1, max_size=2),
        "n": st.integers(0, 5), "x": st.floats(0, 1)}  # fmt: skip
_SCHEMA = arrow_schema({"a": "int64?", "b": "string?", "tags": "list<int64?>?", "n": "int64?", "x": "float64?"})
_ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.none(), st.none()),
        st.tuples(st.just("drop"), st.none(), st.none()),
        st.tuples(st.just("del"), st.sampled_from(_KEYS), st.none()),
        st.tuples(st.just("append"), st.none(), st.none()),
        st.tuples(st.just("twice"), st.none(), st.none()),
        st.tuples(st.just("each"), st.none(), st.none()),
        *(st.tuples(st.sampled_from(["set", "merge", "anew"]), st.just(key), value) for key, value in _NEW.items()),
    ),
    min_size=1,
    max_size=8,
)


def _act(message: Any, action: tuple[str, str, Any]) -> Any:  # one return an action
    what, key, value = action
    if what == "drop":
        return None
    if what == "set":
        message[key] = value
    if what == "merge":
        return message | {key: value}
    if what == "anew":
        return {key: value, "n": len(message)}
    if what == "del":
        del message[key]
    if what == "append":
        message["tags"].append(7)
    if what == "twice":
        return [message | {"n": 1}, message]
    if what == "each":
        return ({**message, "n": tag} for tag in message["tags"])
    return message


@settings(max_examples=200, deadline=None)
@given(_ACTIONS, st.booleans())
def test_mapping_equals_to_pylist_and_from_pylist(actions: list[tuple[str, str, Any]], declared: bool) -> None:  # noqa: FBT001  # given by hypothesis
    rows = [{"a": number, "b": str(number), "tags": [number]} for number in range(len(actions))]
    expected: list[dict[str, Any]] = []
    for row, action in zip(batch_of(rows).data.to_pylist(), actions, strict=True):
        result = _act(row, action)
        results = [result] if isinstance(result, dict) else list(result or ())
        expected.extend(dict(one) for one in results)
    index = iter(actions)
    result = map_messages(
        batch_of(rows), lambda message: _act(message, next(index)), output_schema=_SCHEMA if declared else None
    )
    result.data.validate(full=True)
    assert result.rejects == ()
    names = result.data.schema.names
    assert set().union(*expected) <= set(names)
    assert result.data.to_pylist() == [{name: row.get(name) for name in names} for row in expected]


# ---------- what a function may return


def test_a_message_may_be_changed_or_dropped_and_the_rest_passes_through() -> None:
    def total(message: Message) -> Message | None:
        if not message["count"]:
            return None
        message["total"] = message["price"] * message["count"]
        return message

    assert mapped(PRICES, total) == [PRICES[0] | {"total": 3.0}, PRICES[2] | {"total": 9.0}]


def test_untouched_columns_keep_their_exact_type_and_memory() -> None:
    kinds = {"d": pa.dictionary(pa.int8(), pa.string()), "t": pa.timestamp("ns", "Europe/Oslo"), "f": pa.float32()}
    data = pa.RecordBatch.from_arrays(
        [
            pa.array(["x", "y"]).dictionary_encode().cast(kinds["d"]),
            pa.array([1, 2], kinds["t"]),
            pa.array([1, 2], kinds["f"]),
        ],
        names=list(kinds),
    )
    result = map_messages(Batch(data, "split", 0), lambda message: message | {"n": 1})
    assert result.data.select(list(kinds)).equals(data)
    assert result.data.column("t").buffers()[1].address == data.column("t").buffers()[1].address


def test_a_mapping_of_ones_own_stands_for_all_fields() -> None:
    assert mapped(PRICES[:1], lambda message: {"name": message["sku"].upper()}) == [{"name": "A"}]
    assert mapped(PRICES[:1], lambda message: Untyped(sku=message["sku"])) == [{"sku": "a"}]
    assert mapped(PRICES[:1], dict) == PRICES[:1]


def test_a_mapping_of_ones_own_keeps_the_types_of_the_fields_it_takes_over() -> None:
    schema = arrow_schema({"n": "int16", "price": "decimal(12,2)", "gone": "string"})
    batch = batch_of([{"n": 1, "price": Decimal("1.50"), "gone": "x"}], schema)
    result = map_messages(batch, lambda message: {"n": message["n"], "price": message["price"] * 2})
    assert result.data.schema.types == [pa.int16(), pa.decimal128(12, 2)]


def test_a_list_or_an_iterator_makes_several_rows() -> None:
    def each(message: Message) -> Iterator[Message | None]:
        for number in range(message["count"]):
            message["number"] = number
            yield message
        yield None

    rows = mapped(PRICES, each)
    assert [(row["sku"], row["number"]) for row in rows] == [("a", 0), ("a", 1), ("c", 0)]
    assert mapped(PRICES[:1], lambda message: [message, {"sku": "z"}]) == [
        PRICES[0],
        {"sku": "z", "price": None, "count": None},
    ]


def test_columns_that_a_message_loses_are_null_or_gone() -> None:
    def lose(message: Message) -> Message:
        if message["sku"] != "b":
            del message["price"]
        del message["count"]
        return message

    assert mapped(PRICES, lose) == [
        {"sku": "a", "price": None},
        {"sku": "b", "price": 2.5},
        {"sku": "c", "price": None},
    ]


def test_values_changed_in_place_are_written() -> None:
    rows = [{"tags": ["a"], "meta": {"n": 1}}, {"tags": [], "meta": {"n": 2}}]

    def grow(message: Message) -> Message:
        message["tags"].append("z")
        message["meta"]["n"] += 1
        return message

    assert mapped(rows, grow) == [{"tags": ["a", "z"], "meta": {"n": 2}}, {"tags": ["z"], "meta": {"n": 3}}]


def test_all_rows_dropped_leaves_the_columns() -> None:
    result = map_messages(batch_of(PRICES), lambda message: None)  # drops everything
    assert (result.num_rows, result.data.schema.names) == (0, ["sku", "price", "count"])


@pytest.mark.parametrize("result", [5, "text", b"bytes", [5], object(), {1: 2}, [{1: 2}]])
def test_anything_else_is_a_reject_that_says_what_is_expected(result: Any) -> None:
    (reject, *others) = map_messages(batch_of(PRICES), lambda message: result).rejects
    assert (reject.error_type, reject.stage, len(others)) == ("TypeError", "transform", 2)
    assert "returns the message, a mapping" in reject.error or "names of fields are texts" in reject.error


def test_metadata_stays_aligned_with_the_rows() -> None:
    batch = replace(batch_of(PRICES), metadata=pa.RecordBatch.from_pydict({"key": ["k1", "k2", "k3"]}))
    result = map_messages(batch, lambda message: [message] * message["count"])
    assert result.metadata is not None
    assert result.metadata.column("key").to_pylist() == ["k1", "k1", "k3"]
    assert [message.metadata.key for message in messages_of(result)] == ["k1", "k1", "k3"]


def test_a_message_kept_from_an_earlier_batch_is_a_mapping_like_any_other() -> None:
    kept: list[Message] = []
    mapper = MessageMapper(lambda message: kept.append(message) or kept[0])
    mapper.map(batch_of(PRICES[:1]))
    assert mapper.map(batch_of(PRICES[1:2])).data.to_pylist() == PRICES[:1]


# ---------- errors


def test_what_the_function_raises_rejects_the_one_message_with_its_place() -> None:
    def divide(message: Message) -> Message:
        message["price"] = "spoilt"
        message["price"] = 10 / message["count"]
        return message

    result = map_messages(replace(batch_of(PRICES), records_read=3), divide)
    (reject,) = result.rejects
    assert [row["sku"] for row in result.data.to_pylist()] == ["a", "c"]
    assert (reject.record, reject.error_type, reject.split_id, reject.position) == (
        PRICES[1],
        "ZeroDivisionError",
        "prices.csv",
        7,
    )
    assert reject.error.startswith("division by zero (at test_mapper.py:")
    assert result.records_read == 3


def test_errors_name_the_field_where_it_is_one() -> None:
    def check(message: Message) -> Message:
        if message["count"] == 0:
            raise RecordError("no stock", field="count")
        return message | {"x": message["pirce"]}

    rejects = map_messages(batch_of(PRICES), check).rejects
    assert [reject.field for reject in rejects] == ["pirce", "count", "pirce"]
    assert "did you mean price" in rejects[0].error


def test_an_iterator_that_raises_half_way_leaves_nothing_of_its_message() -> None:
    def each(message: Message) -> Iterator[Message]:
        yield message
        if message["sku"] == "b":
            raise ValueError("b")
        yield message

    result = map_messages(batch_of(PRICES), each)
    assert [row["sku"] for row in result.data.to_pylist()] == ["a", "a", "c", "c"]
    assert len(result.rejects) == 1


@pytest.mark.parametrize("error", [SourceUnavailableError("gone for now"), SchemaError("wrong")])
def test_errors_that_say_retry_or_stop_are_passed_on(error: Exception) -> None:
    def fail(message: Message) -> Message:
        raise error

    with pytest.raises(type(error)):
        map_messages(batch_of(PRICES), fail)


def test_an_interrupt_is_no_reject() -> None:
    def stop(message: Message) -> Message:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_messages(batch_of(PRICES), stop)
