from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.cast import cast_batch
from active_data_flow.core.schema import arrow_schema


def batch_of(values: list[Any], kind: pa.DataType | None = None) -> Batch:
    return Batch(pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["f"]), "split", 7)


def cast_values(values: list[Any], text: str, kind: pa.DataType | None = None) -> dict[int, Any]:
    """Row number -> value, of the rows that fit."""
    numbered = batch_of(values, kind).data.append_column("row", pa.array(range(len(values)), pa.int64()))
    schema = arrow_schema({"f": text, "row": "int64"})
    cast = cast_batch(Batch(numbered, "split", 7), schema)
    cast.data.validate(full=True)
    assert cast.data.schema.equals(schema)
    assert cast.num_rows + len(cast.rejects) == len(values)
    assert [reject.record["row"] for reject in cast.rejects] == sorted(  # type: ignore[index]
        set(range(len(values))) - set(cast.data.column("row").to_pylist())
    )
    return dict(zip(cast.data.column("row").to_pylist(), cast.data.column("f").to_pylist(), strict=True))


# ---------- against a reference that looks at one value after the other

_INT = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": True, "t": True, "yes": True, "y": True, "on": True, "1": True,
          "false": False, "f": False, "no": False, "n": False, "off": False, "0": False}  # fmt: skip


def _int64(text: str) -> int:
    if not _INT.fullmatch(text.strip()) or not -(2**63) <= int(text) < 2**63:
        raise ValueError
    return int(text)


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text.strip()):
        raise ValueError
    return float(text)


def _decimal(text: str) -> Decimal:
    if not _FLOAT.fullmatch(text.strip()):
        raise ValueError
    value = Decimal(text.strip())
    exact = value.quantize(Decimal("0.01"), context=Context(prec=400))
    if exact != value or abs(exact) >= 10**10:
        raise ValueError
    return exact


def _bool(text: str) -> bool:
    return _WORDS[text.strip().lower()]


def _date(text: str) -> date:
    text = text.strip()
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError
    return date.fromisoformat(text)


def _moment(text: str) -> datetime:
    text = text.strip()
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", text):
        raise ValueError
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "x", "1", "-1", "+7", " 12 ", "1.0", "1.25", "1.255", "1e3", ".5", "5.", "9223372036854775807",
         "9223372036854775808", "99999999999", "9999999999.99", "yes", "No", "TRUE", "off", "2024-02-29", "2023-02-29",
         "2024-02-29 12:30", "2024-02-29T12:30:59.5Z", "2024-02-29 12:30:00+05:30", "2024-13-01", "01.02.2024", "1_000",
         "1.5e-40", "1e-77", "15e-1", "0.5" + "0" * 60, "1" * 60, "1e400", "0e-50", "2024-02-29T25:00",
         "--1", "1-", "é", "\uff11"]
    ),
    st.integers(-(2**65), 2**65).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.decimals(-10**11, 10**11, places=3).map(str),
    st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(str),  # noqa: DTZ001  # a wall clock
    st.text(max_size=4),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("int64?", _int64),
        ("float64?", _float),
        ("decimal(12,2)?", _decimal),
        ("bool?", _bool),
        ("date?", _date),
        ("timestamp[us, UTC]?", _moment),
    ],
)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.none() | _TEXTS, max_size=40))
def test_texts_are_cast_as_one_value_after_the_other_would_be(
    text: str, reference: Callable[[str], Any], values: list[str | None]
) -> None:
    values = [value for value in values if value is None or not _only_arrow_or_python(value)]
    expected: dict[int, Any] = {}
    for row, value in enumerate(values):
        try:
            expected[row] = None if value is None else reference(value)
        except (ValueError, KeyError, InvalidOperation):
            continue
    assert cast_values(values, text, pa.string()) == expected


def _only_arrow_or_python(text: str) -> bool:
    """Digits of other scripts, hexadecimal numbers and spellings of infinity: Python and Arrow differ, on purpose."""
    return bool(re.search(r"[^\x00-\x7f]|^\s*0[xX]|[iI]nf|[nN]a[nN]", text)) or any(
        sign in text for sign in "\x1c\x1d\x1e\x1f\x85"
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["int8", "int32?", "uint16", "float32", "decimal(5,1)?", "bool", "string", "float64"]),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300), max_size=30),
)
def test_numbers_are_cast_as_each_by_itself(text: str, values: list[int | None]) -> None:
    alone = {row: result[0] for row, value in enumerate(values) if (result := cast_values([value], text, pa.int64()))}
    assert cast_values(values, text, pa.int64()) == alone


_nested_values = st.lists(
    st.none()
    | st.fixed_dictionaries(
        {
            "a": st.none() | st.sampled_from(["1", "x"]),
            "b": st.none() | st.lists(st.none() | st.sampled_from(["2", "y"]), max_size=3),
        }
    ),
    max_size=12,
)
_NESTED = pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))])


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["", "?"]), st.sampled_from(["", "?"]), st.sampled_from(["", "?"]), st.sampled_from(["", "?"]),
    _nested_values, st.integers(0, 3),
)  # fmt: skip
def test_nested_values_are_cast_as_each_by_itself(
    outer: str, a: str, b: str, item: str, values: list[Any], skip: int
) -> None:
    text = f"struct<b: list<int32{item}>{b}, a: int64{a}>{outer}"

    def reference(value: Any) -> Any:
        if value is None:
            return _checked(None, outer)
        items = None if value["b"] is None else [_checked(_int(one), item) for one in value["b"]]
        return {"b": _checked(items, b), "a": _checked(_int(value["a"]), a)}

    expected: dict[int, Any] = {}
    for row, value in enumerate(values[skip:]):
        try:
            expected[row] = reference(value)
        except ValueError:
            continue
    data = pa.array(values, _NESTED)[skip:]  # a slice: the children start in the middle
    numbered = pa.RecordBatch.from_arrays([data, pa.array(range(len(data)), pa.int64())], names=["f", "row"])
    cast = cast_batch(Batch(numbered, "split", 0), arrow_schema({"f": text, "row": "int64"}))
    cast.data.validate(full=True)
    assert dict(zip(cast.data.column("row").to_pylist(), cast.data.column("f").to_pylist(), strict=True)) == expected


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


def _checked(value: Any, mark: str) -> Any:
    if value is None and not mark:
        raise ValueError
    return value


# ---------- single rules


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        ([1.0, 1.5, math.nan, 1e300], "int64", {0: 1}),
        ([1.5, 1e300, math.inf], "float32", {0: 1.5, 2: math.inf}),
        ([2**60 + 1], "float64", {0: float(2**60 + 1)}),
        ([5, 10**12], "decimal(12,2)", {0: Decimal("5.00")}),
        ([1.005, 1e20, math.nan], "decimal(12,2)", {0: Decimal("1.00")}),
        ([0, 1, 2], "bool", {0: False, 1: True}),
        ([True, False], "int8", {0: 1, 1: 0}),
        ([True], "decimal(5,2)", {0: Decimal("1.00")}),
        ([Decimal("1.50"), Decimal("1.55")], "decimal(5,1)", {0: Decimal("1.5")}),
        ([Decimal("1.50")], "float64", {0: 1.5}),
        ([Decimal("1.50"), Decimal("2.00")], "int64", {1: 2}),
        ([1, 2], "string", {0: "1", 1: "2"}),
        ([b"a", b"\xff"], "string", {0: "a"}),
        (["a"], "binary", {0: b"a"}),
        (["12:34:56.5", "12:34", "25:00", "x"], "time", {0: time(12, 34, 56, 500000), 1: time(12, 34)}),
        ([date(2024, 1, 2)], "timestamp[us, UTC]", {0: datetime(2024, 1, 2, tzinfo=UTC)}),
        ([datetime(2024, 1, 2), datetime(2024, 1, 2, 3)], "date", {0: date(2024, 1, 2)}),  # noqa: DTZ001
        ([datetime(2024, 1, 2)], "timestamp[s, UTC]", {0: datetime(2024, 1, 2, tzinfo=UTC)}),  # noqa: DTZ001
        ([datetime(2024, 1, 2, 0, 0, 0, 5)], "timestamp[s]", {}),  # noqa: DTZ001
        ([datetime(2024, 1, 2, tzinfo=UTC)], "timestamp", {0: datetime(2024, 1, 2)}),  # noqa: DTZ001
        ([1, 2], "timestamp", {}),
        ([1, 2], "date", {}),
        ([[1]], "int64", {}),
        (["a"], "list<string>", {}),
        ([{"a": 1}], "string", {}),
        ([None, None], "int64?", {0: None, 1: None}),
        ([None, None], "int64", {}),
        ([{"a": 1, "b": None}, {"a": 2, "b": 3}], "map<string, int64>?", {0: [("a", 1)], 1: [("a", 2), ("b", 3)]}),
        ([{"a": 1}, None], "map<string, int64>?", {0: [("a", 1)], 1: None}),
        ([[1, 2], None, []], "large_list<string>?", {0: ["1", "2"], 1: None, 2: []}),
    ],
)  # fmt: skip
def test_rules(values: list[Any], text: str, expected: dict[int, Any]) -> None:
    assert cast_values(values, text) == expected


def test_a_local_time_that_does_not_exist_is_rejected() -> None:
    values = ["2024-03-31 02:30:00", "2024-03-31 03:30:00"]
    assert list(cast_values(values, "timestamp[us, Europe/Oslo]")) == [1]


def test_between_zones_the_instant_is_kept() -> None:
    noon = datetime(2024, 6, 1, 12, tzinfo=UTC)
    assert cast_values([noon], "timestamp[us, Asia/Tokyo]") == {0: noon}
    assert cast_values([noon], "timestamp", pa.timestamp("us", "Asia/Tokyo")) == {0: datetime(2024, 6, 1, 21)}  # noqa: DTZ001


def test_maps_are_cast_entry_by_entry() -> None:
    kind = pa.map_(pa.string(), pa.string())
    values = [[("a", "1")], [("a", "x")], None, []]
    assert cast_values(values, "map<string, int64>?", kind) == {0: [("a", 1)], 2: None, 3: []}


def test_dictionary_encoded_columns_are_decoded_and_left_alone_where_wanted() -> None:
    encoded = pa.array(["1", "2", "1"]).dictionary_encode()
    batch = Batch(pa.RecordBatch.from_arrays([encoded], names=["f"]), "split", 0)
    assert cast_batch(batch, arrow_schema({"f": "int64"})).data.to_pylist() == [{"f": 1}, {"f": 2}, {"f": 1}]
    same = cast_batch(batch, pa.schema([pa.field("f", encoded.type, nullable=False)]))
    assert same.data.column("f").type == encoded.type
