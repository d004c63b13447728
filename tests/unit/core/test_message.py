from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.columns import collector_paused, records_of, values_of
from active_data_flow.core.message import Message, Metadata, UnknownFieldError, Untyped, messages_of

ROW = {"a": 1, "b": "x", "c": None, "tags": ["p", "q"], "meta": {"k": 1}}


def message_of(row: dict[str, Any]) -> Message:
    return next(messages_of(Batch(pa.RecordBatch.from_pylist([row]), "split", 7)))


# ---------- a message is a dict

_KEYS = st.sampled_from(["a", "b", "c", "tags", "meta", "new", "newer"])
_VALUES = st.none() | st.integers(-9, 9) | st.text(max_size=2)
_Operation = tuple[str, Callable[[Any], Any]]


def _operation(
    name: str, work: Callable[..., Any], *arguments: st.SearchStrategy[Any]
) -> st.SearchStrategy[_Operation]:
    return st.tuples(*arguments).map(lambda given: (f"{name}{given}", lambda mapping: work(mapping, *given)))


def _delete(mapping: Any, key: str) -> None:
    del mapping[key]


def _set(mapping: Any, key: str, value: Any) -> None:
    mapping[key] = value


def _merge_in(mapping: Any, other: dict[str, Any]) -> None:
    mapping |= other


def _clear(mapping: Any) -> None:
    mapping.clear()


def _arguments(**fields: Any) -> dict[str, Any]:
    return fields


_OTHERS = st.dictionaries(_KEYS, _VALUES, max_size=3)
_OPERATIONS = st.lists(
    st.one_of(
        _operation("get", lambda mapping, key: mapping[key], _KEYS),
        _operation("get or", lambda mapping, key: mapping.get(key, 5), _KEYS),
        _operation("get or None", lambda mapping, key: mapping.get(key), _KEYS),
        _operation("set", _set, _KEYS, _VALUES),
        _operation("del", _delete, _KEYS),
        _operation("pop", lambda mapping, key: mapping.pop(key), _KEYS),
        _operation("pop or", lambda mapping, key: mapping.pop(key, None), _KEYS),
        _operation("setdefault", lambda mapping, key, value: mapping.setdefault(key, value), _KEYS, _VALUES),
        _operation("in", lambda mapping, key: key in mapping, _KEYS),
        _operation("len", len),
        _operation("bool", bool),
        _operation("keys", lambda mapping: sorted(mapping.keys())),
        _operation("iterate", sorted),
        _operation("reversed", lambda mapping: len(list(reversed(mapping)))),
        _operation("values", lambda mapping: sorted(map(str, mapping.values()))),
        _operation("items", lambda mapping: sorted(map(str, mapping.items()))),
        _operation("update", lambda mapping, other: mapping.update(other), _OTHERS),
        _operation("update pairs", lambda mapping, other: mapping.update(list(other.items()), z=1), _OTHERS),
        _operation("|=", _merge_in, _OTHERS),
        _operation("|", lambda mapping, other: dict(mapping | other), _OTHERS),
        _operation("r|", lambda mapping, other: dict(other | mapping), _OTHERS),
        _operation("copy", lambda mapping: dict(mapping.copy())),
        _operation("clear", _clear),
        _operation("append", lambda mapping: mapping["tags"].append("r")),
        _operation("nested set", lambda mapping, value: mapping["meta"].update(k=value), _VALUES),
        _operation("dict", dict),
        _operation("stars", lambda mapping: {**mapping}),
        _operation("arguments", lambda mapping: _arguments(**mapping)),
        _operation("json", lambda mapping: json.loads(json.dumps(mapping))),
        _operation("json with indent", lambda mapping: json.loads(json.dumps(mapping, indent=1))),
        _operation("equal", lambda mapping, other: (mapping == other, other == mapping, mapping != other), _OTHERS),
    ),
    max_size=12,
)


def _outcome(work: Callable[[Any], Any], mapping: Any) -> Any:
    try:
        return work(mapping)
    except (KeyError, AttributeError, TypeError) as error:
        return KeyError if isinstance(error, KeyError) else type(error)


@settings(max_examples=300, deadline=None)
@given(_OPERATIONS, st.booleans())
def test_a_message_answers_to_any_sequence_of_operations_as_a_dict_does(
    operations: list[_Operation],
    alone: bool,  # noqa: FBT001  # given by hypothesis
) -> None:
    reference = copy.deepcopy(ROW)
    message = Untyped(copy.deepcopy(ROW)) if alone else message_of(ROW)
    for name, work in operations:
        assert _outcome(work, message) == _outcome(work, reference), name
    assert message == reference
    assert dict(message) == reference


def test_popitem_takes_the_last_field() -> None:
    message = message_of({"a": 1, "b": 2}) | {"c": 3}
    assert [message.popitem(), message.popitem(), message.popitem()] == [("c", 3), ("b", 2), ("a", 1)]
    with pytest.raises(KeyError):
        message.popitem()


def test_fields_keep_their_order_and_new_ones_follow() -> None:
    message = message_of({"b": 1, "a": 2})
    message["z"], message["a"] = 0, 5
    assert list(message.items()) == [("b", 1), ("a", 5), ("z", 0)]


def test_an_untouched_message_is_written_as_json_in_full() -> None:
    assert json.dumps(message_of({"a": 1})) == '{"a": 1}'
    assert json.dumps([message_of({"a": 1})], sort_keys=True) == '[{"a": 1}]'
    assert json.dumps(Untyped()) == "{}"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda message: pickle.loads(pickle.dumps(message))])
def test_copies_and_pickles_keep_fields_class_and_metadata(duplicate: Callable[[Message], Message]) -> None:
    message = message_of(ROW) | {"new": 1}
    del message["b"]
    again = duplicate(message)
    assert (type(again), dict(again), again.metadata) == (Untyped, dict(message), message.metadata)


def test_a_copy_does_not_share_what_is_written_later() -> None:
    message = message_of({"a": 1})
    other = message.copy()
    other["a"], message["b"] = 2, 3
    del other["a"]
    assert (dict(message), dict(other)) == ({"a": 1, "b": 3}, {})


def test_repr_shows_all_fields() -> None:
    assert repr(message_of({"a": 1, "b": "x"})) == "Untyped({'a': 1, 'b': 'x'})"


def test_a_misspelt_field_suggests_the_right_one() -> None:
    with pytest.raises(UnknownFieldError, match="no field 'pirce'; did you mean price"):
        _ = message_of({"price": 1, "name": 2})["pirce"]
    with pytest.raises(KeyError) as caught:
        _ = message_of({"price": 1})["qqq"]
    assert caught.value.args == ("qqq",)
    assert str(caught.value) == "there is no field 'qqq'; there are price"


def test_messages_are_mappings_and_not_hashable() -> None:
    assert isinstance(message_of(ROW), Mapping)
    with pytest.raises(TypeError, match="unhashable"):
        hash(message_of(ROW))


def test_only_mappings_are_merged() -> None:
    with pytest.raises(TypeError):
        message_of(ROW) | 3  # type: ignore[operator]
    assert Untyped.fromkeys(["a", "b"], 1) == {"a": 1, "b": 1}


# ---------- metadata


def test_metadata_is_read_from_beside_the_row() -> None:
    moment = datetime(2024, 1, 2, tzinfo=UTC)
    headers = pa.array([{"h": "1"}, None], pa.map_(pa.string(), pa.string()))
    beside = pa.RecordBatch.from_arrays(
        [pa.array(["k1", "k2"]), pa.array([moment, moment]), headers, pa.array([3, None])],
        names=["key", "event_time", "headers", "position"],
    )
    data = pa.RecordBatch.from_pylist([{"a": 1}, {"a": 2}])
    first, second = messages_of(Batch(data, "prices.csv", 9, metadata=beside), source="prices")
    assert first.metadata == Metadata("prices", "prices.csv", 3, "k1", moment, {"h": "1"})
    assert second.metadata == Metadata("prices", "prices.csv", 9, "k2", moment, {})


def test_a_message_of_ones_own_has_empty_metadata_or_that_which_it_is_given() -> None:
    message = Untyped({"a": 1})
    assert message.metadata == Metadata()
    other = (message | {"b": 2}).with_metadata(Metadata(key="k"))
    assert (other.metadata.key, dict(other)) == ("k", {"a": 1, "b": 2})


# ---------- values

_OSLO = "Europe/Oslo"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, 3], pa.int64()),
        ([1, 2], pa.uint8()),
        ([1.5, None, float("inf")], pa.float64()),
        ([1.5, None], pa.float32()),
        ([True, None, False], pa.bool_()),
        (["a", None, "é"], pa.string()),
        (["a", None], pa.large_string()),
        ([b"a", None], pa.binary()),
        ([date(2024, 1, 2), None], pa.date32()),
        ([datetime(1, 1, 1), None, datetime(9999, 12, 31)], pa.timestamp("us")),  # noqa: DTZ001
        ([datetime(2024, 1, 2), None], pa.timestamp("s")),  # noqa: DTZ001
        ([datetime(2024, 1, 2), None], pa.timestamp("ns")),  # noqa: DTZ001
        ([datetime(2024, 1, 2, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        ([datetime(2024, 1, 2, tzinfo=UTC), None], pa.timestamp("ms", _OSLO)),
        ([time(1, 2, 3, 4), None], pa.time64("us")),
        ([time(1, 2, 3), None], pa.time64("ns")),
        ([timedelta(seconds=5), None], pa.duration("ns")),
        ([Decimal("1.50"), None], pa.decimal128(5, 2)),
        ([[1, None], None, []], pa.list_(pa.int64())),
        ([{"a": 1}, None], pa.struct([("a", pa.int64())])),
        ([{"a": 1}, None, {}], pa.map_(pa.string(), pa.int64())),
        ([[{"a": 1}], None], pa.list_(pa.map_(pa.string(), pa.int64()))),
        ([None, None], pa.null()),
        ([], pa.int64()),
    ],
)
def test_values_are_python_objects_also_of_slices(values: list[Any], kind: pa.DataType) -> None:
    array = pa.array(values, kind)
    assert values_of(array) == values
    assert values_of(array[1:]) == values[1:]
    assert [type(value) for value in values_of(array)] == [type(value) for value in values]


def test_nanoseconds_are_cut_to_what_python_can_hold() -> None:
    array = pa.array([1_704_153_600_000_001_999], pa.timestamp("ns", "UTC"))
    assert values_of(array) == [datetime(2024, 1, 2, 0, 0, 0, 1, tzinfo=timezone.utc)]  # noqa: UP017


def test_nanoseconds_inside_of_lists_structs_and_maps_are_cut_too() -> None:
    kind = pa.list_(
        pa.struct([("at", pa.time64("ns")), ("m", pa.map_(pa.string(), pa.timestamp("ns"))), ("d", pa.duration("ns"))])
    )
    array = pa.array([[{"at": 1_001, "m": {"k": 2_002}, "d": 3_003}], None], kind)
    moment = datetime(1970, 1, 1, 0, 0, 0, 2)  # noqa: DTZ001  # a wall clock
    assert values_of(array) == [[{"at": time(0, 0, 0, 1), "m": {"k": moment}, "d": timedelta(microseconds=3)}], None]


def test_rows_are_records_also_where_they_have_no_columns() -> None:
    data = pa.RecordBatch.from_pydict({"a": [1, 2, 3], "t": pa.array([1, 2, 3_001], pa.timestamp("ns"))})
    moment = datetime(1970, 1, 1, 0, 0, 0, 3)  # noqa: DTZ001  # a wall clock
    assert records_of(data, [2]) == [{"a": 3, "t": moment}]
    assert records_of(data, []) == []


# ---------- the collector


def test_the_collector_is_off_inside_and_on_again_outside() -> None:
    import gc

    assert gc.isenabled()
    with collector_paused(), collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_lanes_that_overlap_turn_the_collector_on_in_the_end() -> None:
    import gc
    import threading

    def lane() -> None:
        for _ in range(200):
            with collector_paused():
                sum(range(50))

    lanes = [threading.Thread(target=lane) for _ in range(4)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    assert gc.isenabled()
