from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.errors import ConfigurationError, SchemaError
from active_data_flow.core.types import FieldType, parse_type, type_text

_plain = st.sampled_from(
    [
        pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
        pa.float16(), pa.float32(), pa.float64(), pa.string(), pa.large_string(), pa.binary(), pa.bool_(), pa.date32(),
        pa.date64(), pa.binary(16), pa.string_view(), pa.decimal128(38, 9), pa.decimal256(50, 3),
        pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.duration("us"),
        pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.timestamp("ms", "America/Port-au-Prince"),
        pa.timestamp("us", "+01:00"), pa.timestamp("us", "Etc/GMT+5"),
    ]
)  # fmt: skip
_names = st.text(min_size=1, max_size=5)


def _nested(inner: st.SearchStrategy[pa.DataType]) -> st.SearchStrategy[pa.DataType]:
    members = st.dictionaries(_names, st.tuples(inner, st.booleans()), max_size=3)
    return st.one_of(
        st.builds(lambda kind, null: pa.list_(pa.field("item", kind, null)), inner, st.booleans()),
        st.builds(lambda kind, null: pa.large_list(pa.field("item", kind, null)), inner, st.booleans()),
        st.builds(lambda key, kind, null: pa.map_(key, pa.field("value", kind, null)), _plain, inner, st.booleans()),
        members.map(lambda parts: pa.struct([pa.field(name, *part) for name, part in parts.items()])),
    )


@given(st.recursive(_plain, _nested, max_leaves=6), st.booleans())
def test_every_type_is_read_back_from_its_own_text(kind: pa.DataType, nullable: bool) -> None:  # noqa: FBT001  # given by hypothesis
    assert parse_type(type_text(kind, nullable=nullable)) == FieldType(kind, nullable)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("int", pa.int64()),
        ("float", pa.float64()),
        ("str", pa.string()),
        ("datetime", pa.timestamp("us", "UTC")),
        ("timestamp", pa.timestamp("us")),
        ("decimal", pa.decimal128(38, 9)),
        ("decimal(12)", pa.decimal128(12, 0)),
        ("DECIMAL( 12 , 2 )", pa.decimal128(12, 2)),
        ("time[s]", pa.time32("s")),
        ("list<int64?>", pa.list_(pa.int64())),
    ],
)
def test_aliases_and_spaces_are_understood(text: str, kind: pa.DataType) -> None:
    assert parse_type(text) == FieldType(kind, nullable=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("strng", "did you mean string"),
        ("decimal(", "ends too early"),
        ("decimal(0,0)", "1 to 76 digits"),
        ("decimal(a)", "numbers are expected"),
        ("list", "as list<int64>"),
        ("list<int64", "'>' is expected"),
        ("timestamp[fortnight]", "a unit is expected"),
        ("int64 null", "'null' is too much"),
        ("struct<a: int64, a: int64>", "the same name"),
        ("map<string?, int64>", "never null"),
        ("", "ends too early"),
    ],
)
def test_a_text_that_is_no_type_says_why(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        parse_type(text)


def test_the_null_type_always_allows_null() -> None:
    assert parse_type("null") == parse_type("null?") == FieldType(pa.null(), nullable=True)


def test_dictionary_encoded_columns_are_named_by_their_values() -> None:
    assert type_text(pa.dictionary(pa.int8(), pa.string())) == "string"


def test_a_type_without_a_name_is_refused() -> None:
    with pytest.raises(SchemaError, match="has no name in a document"):
        type_text(pa.month_day_nano_interval())
