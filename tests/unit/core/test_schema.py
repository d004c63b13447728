from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import ClassVar

import pyarrow as pa
import pytest

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.message import map_messages, messages_of
from active_data_flow.core.schema import Schema, arrow_schema, cast_batch, field, fields_of


class Address(Schema):
    zip: str
    floor: int | None


class Order(Schema):
    kinds: ClassVar[int] = 3

    number: int
    weight: float
    name: str
    paid: bool
    raw: bytes
    price: Decimal = field(precision=12, scale=2)
    day: date
    at: time
    seen: datetime
    local: datetime = field(timezone=None)
    oslo: datetime = field(timezone="Europe/Oslo")
    address: Address
    tags: list[str]
    scores: list[float | None] | None
    extra: dict[str, int]
    small: int = field(type="int16", default=5, description="a small number", alias="Small")
    note: str | None = None

    @property
    def label(self) -> str:
        return f"{self.number}: {self.name}"


def test_annotations_become_arrow_types() -> None:
    assert fields_of(Order) == {
        "number": "int64",
        "weight": "float64",
        "name": "string",
        "paid": "bool",
        "raw": "binary",
        "price": "decimal(12,2)",
        "day": "date",
        "at": "time",
        "seen": "timestamp[us, UTC]",
        "local": "timestamp",
        "oslo": "timestamp[us, Europe/Oslo]",
        "address": "struct<zip: string, floor: int64?>",
        "tags": "list<string>",
        "scores": "list<float64?>?",
        "extra": "map<string, int64>",
        "small": "int16",
        "note": "string?",
    }


def test_the_document_form_means_the_same_types() -> None:
    assert arrow_schema(fields_of(Order)).equals(arrow_schema(Order))
    assert arrow_schema(arrow_schema(Order)) is arrow_schema(Order)


def test_subclasses_add_fields() -> None:
    class Express(Order):
        hours: int

    assert list(fields_of(Express)) == [*fields_of(Order), "hours"]


def test_descriptions_travel_with_the_arrow_schema() -> None:
    assert arrow_schema(Order).field("small").metadata[b"description"] == b"a small number"


def test_aliases_and_defaults_are_used_when_data_is_cast() -> None:
    class Line(Schema):
        small: int = field(alias="Small")
        kind: str = "new"
        price: Decimal = field(precision=5, scale=2, default=Decimal("1.50"))
        since: date | None = field(default=date(2024, 1, 2))

    data = pa.RecordBatch.from_pylist([{"Small": "1", "kind": None}, {"Small": "2", "kind": "old"}])
    cast = cast_batch(Batch(data, "split", 0), arrow_schema(Line))
    rest = {"price": Decimal("1.50"), "since": date(2024, 1, 2)}
    assert cast.data.to_pylist() == [{"small": 1, "kind": "new"} | rest, {"small": 2, "kind": "old"} | rest]


def test_a_message_of_a_schema_has_attributes_and_items() -> None:
    data = pa.RecordBatch.from_pylist([{"zip": "0150", "floor": None}])
    message = next(messages_of(Batch(data, "split", 0), schema=Address))
    assert isinstance(message, Address)
    message.floor = 3
    assert (message.zip, message["floor"], dict(message)) == ("0150", 3, {"zip": "0150", "floor": 3})
    del message.floor
    assert "floor" not in message


def test_nested_schemas_are_attributes_that_can_be_written_to() -> None:
    def move(order: Order) -> Order:
        order.address.floor = (order.address.floor or 0) + 1
        return order

    data = pa.RecordBatch.from_pylist(
        [{"address": {"zip": "0150", "floor": 1}}, {"address": {"zip": "1", "floor": None}}]
    )
    moved = map_messages(Batch(data, "split", 0), move, schema=Order)
    assert moved.data.to_pylist() == [{"address": {"zip": "0150", "floor": 2}}, {"address": {"zip": "1", "floor": 1}}]


def test_schema_classes_make_messages_with_their_defaults() -> None:
    order = Order(number=1, name="bolt")
    assert (order.label, order.small, order.note) == ("1: bolt", 5, None)
    assert pickle.loads(pickle.dumps(order)) == order


def test_a_misspelt_attribute_is_an_error_that_suggests_the_right_one() -> None:
    order = Order(number=1, weight=2.0)
    with pytest.raises(AttributeError, match="no field 'wieght'; did you mean weight"):
        _ = order.wieght  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="wieght"):
        order.wieght = 3.0  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no field 'seen'"):
        _ = order.seen


def test_written_attributes_are_converted_to_the_schema() -> None:
    def work(line: Address) -> Address:
        line.zip, line.floor = str(line.zip), "7"  # type: ignore[assignment]
        return line

    data = pa.RecordBatch.from_pylist([{"zip": "a", "floor": 1}])
    mapped = map_messages(Batch(data, "split", 0), work, schema=Address)
    assert mapped.data.to_pylist() == [{"zip": "a", "floor": 7}]
    assert mapped.data.schema.field("zip").nullable is False


@pytest.mark.parametrize(
    ("hint", "says"),
    [
        ("complex", "has no Arrow type"),
        ("int | str", "has one type"),
        ("Unheard", "'Unheard' is not defined"),
        ("list", "has no Arrow type"),
    ],
)
def test_an_annotation_without_an_arrow_type_names_the_field(hint: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        type("Bad", (Schema,), {"__annotations__": {"what": hint}, "__module__": __name__})


def test_a_field_named_as_a_method_of_messages_is_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match="every message has items already; write items_"):

        class Basket(Schema):
            items: list[int]  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"price": "flot"}, "field 'price': type 'flot'.*did you mean float"),
        ({"price": 3}, "a type is a text"),
        ({"price": None}, "a type is a text"),
        ("int64", "a Schema class or a mapping"),
        (3, "a Schema class or a mapping"),
    ],
)
def test_a_bad_spec_names_what_is_wrong(spec: object, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        arrow_schema(spec)  # type: ignore[arg-type]


def test_a_default_that_does_not_fit_is_named() -> None:
    class Line(Schema):
        count: int = "many"  # type: ignore[assignment]

    with pytest.raises(Exception, match="default of a field doesn't fit it: count: 'many'"):
        cast_batch(Batch(pa.RecordBatch.from_pylist([{"other": 1}]), "split", 0), arrow_schema(Line))


def test_values_of_all_types_pass_through_a_schema() -> None:
    row = {
        "number": 1, "weight": 2.5, "name": "bolt", "paid": True, "raw": b"\x00", "price": Decimal("9.99"),
        "day": date(2024, 1, 2), "at": time(1, 2, 3), "seen": datetime(2024, 1, 2, tzinfo=UTC),
        "local": datetime(2024, 1, 2), "oslo": datetime(2024, 1, 2, tzinfo=UTC),  # noqa: DTZ001  # a wall clock
        "address": {"zip": "1", "floor": None}, "tags": ["a"], "scores": [1.0, None], "extra": {"a": 1}, "small": 2,
        "note": None,
    }  # fmt: skip
    data = pa.RecordBatch.from_pylist([row], schema=arrow_schema(Order))
    message = next(messages_of(Batch(data, "split", 0), schema=Order))
    assert dict(message) == row
