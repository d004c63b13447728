from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.cloud_events import from_event, read_events, to_event, write_event
from active_data_flow.core.errors import RecordError
from active_data_flow.core.message import Metadata, Untyped, messages_of

EVENT = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "/shop/orders",
    "type": "com.example.order",
    "subject": "order/7",
    "time": "2024-05-01T12:00:00Z",
    "datacontenttype": "application/json",
    "dataschema": "https://example.com/order",
    "partitionkey": "7",
    "traceparent": "00-1",
    "data": {"sku": "a1", "lines": [{"n": 1}]},
}


def test_an_event_is_a_message_with_its_attributes_beside_it() -> None:
    message = from_event(EVENT)
    assert dict(message) == {"sku": "a1", "lines": [{"n": 1}]}
    metadata = message.metadata
    assert (metadata.source, metadata.key) == ("/shop/orders", "7")
    assert metadata.event_time == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert (metadata.headers["ce_id"], metadata.headers["ce_type"]) == ("A234-1234-1234", "com.example.order")
    assert metadata.headers["ce_traceparent"] == "00-1"


def test_an_event_comes_out_as_it_went_in() -> None:
    assert to_event(from_event(EVENT)) == EVENT
    assert json.loads(write_event(from_event(EVENT))) == EVENT


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(_json)
def test_any_json_data_makes_the_round_trip(data: Any) -> None:
    (message,) = read_events(json.dumps(EVENT | {"data": data}))
    again = json.loads(write_event(message))
    assert again.get("data") == (None if data == {} else data)  # an object without members is no data
    assert {**again, "data": 0} == EVENT | {"data": 0} or data in (None, {})


def test_bytes_are_data_base64() -> None:
    event = {key: value for key, value in EVENT.items() if key not in ("data", "datacontenttype")}
    event["data_base64"] = "AP8="
    message = from_event(event)
    assert message["data"] == b"\x00\xff"
    assert to_event(message) == event


def test_an_array_of_events_is_several_messages() -> None:
    assert [message["sku"] for message in read_events(json.dumps([EVENT, EVENT]))] == ["a1", "a1"]
    assert list(read_events(b"[]")) == []


def test_a_row_of_a_batch_becomes_an_event() -> None:
    row = {
        "sku": "a1",
        "price": Decimal("1.50"),
        "day": date(2024, 5, 1),
        "seen": datetime(2024, 5, 1, tzinfo=UTC),
        "raw": b"x",
    }
    (message,) = messages_of(Batch(pa.RecordBatch.from_pylist([row]), "orders.csv", 7), source="orders")
    event = to_event(message, type="order", id="1")
    assert event == {
        "specversion": "1.0",
        "id": "1",
        "source": "orders",
        "type": "order",
        "datacontenttype": "application/json",
        "data": {"sku": "a1", "price": "1.50", "day": "2024-05-01", "seen": "2024-05-01T00:00:00Z", "raw": "eA=="},
    }


def test_ids_are_unique_where_none_is_given() -> None:
    message = Untyped({"a": 1}).with_metadata(Metadata(source="s"))
    assert to_event(message, type="t")["id"] != to_event(message, type="t")["id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"source": 5}, "source"),
        ({"type": None}, "type"),
        ({"specversion": "0.3"}, "specversion"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2024-05-01T12:00:00"}, "time"),
        ({"data_base64": "AP8="}, "data_base64"),
        ({"data_base64": "?", "data": None}, "data_base64"),
    ],
)
def test_an_event_that_is_not_valid_names_the_attribute(change: dict[str, Any], field: str) -> None:
    with pytest.raises(RecordError) as caught:
        from_event(EVENT | change)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "nonsense", "5", '["x"]', b"\xff"])
def test_a_text_that_is_no_event_is_named(text: str | bytes) -> None:
    with pytest.raises(RecordError, match="a CloudEvent is a JSON object"):
        list(read_events(text))


def test_a_message_without_source_or_type_says_what_to_give() -> None:
    with pytest.raises(RecordError, match="give source="):
        to_event(Untyped({"a": 1}), type="t")
    with pytest.raises(RecordError, match="give type="):
        to_event(Untyped({"a": 1}), source="s")
    with pytest.raises(RecordError, match=r"data\.a: object has no JSON form"):
        to_event(Untyped({"a": object()}), source="s", type="t")
