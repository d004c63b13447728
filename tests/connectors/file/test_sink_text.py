"""What rows look like in CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.file.writers.csv import CsvEncoder
from active_data_flow.connectors.file.writers.json_array import content_of_array
from active_data_flow.core.json_text import json_rows, json_text

texts = st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from('"\\\n\r\t\x00\x1f,')), max_size=12)
maybe = st.none()
inner = st.fixed_dictionaries({"a": st.one_of(maybe, texts), "b": st.lists(st.integers(0, 9), max_size=3)})
rows = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.one_of(maybe, texts),
            "number": st.one_of(maybe, st.integers(-(2**63), 2**63 - 1)),
            "fraction": st.one_of(maybe, st.floats(allow_nan=False, allow_infinity=False)),
            "yes": st.one_of(maybe, st.booleans()),
            "list": st.one_of(maybe, st.lists(st.one_of(maybe, texts), max_size=3)),
            "inner": st.one_of(maybe, inner),
        }
    ),
    max_size=4,
)  # fmt: skip
schema = pa.schema(
    {
        "text": pa.string(),
        "number": pa.int64(),
        "fraction": pa.float64(),
        "yes": pa.bool_(),
        "list": pa.list_(pa.string()),
        "inner": pa.struct({"a": pa.string(), "b": pa.list_(pa.int64())}),
    }
)

TEXT_TO_NUMBER = pa.map_(pa.string(), pa.int64())


def written(batch: pa.RecordBatch) -> str:
    return b"".join(json_rows(batch, "", "\n")).decode()


@settings(max_examples=50)
@given(rows, st.integers(0, 3))
def test_json_reads_back_as_the_same_values_also_from_a_slice(values: list[dict[str, Any]], start: int) -> None:
    batch = pa.RecordBatch.from_pylist(values, schema).slice(start)
    found = [json.loads(line) for line in written(batch).split("\n") if line]
    assert found == values[start:]
    for row in found:
        assert row["fraction"] is None or isinstance(row["fraction"], float)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1.0, -0.0, 1e22, 2.5e-9]), ["1.0", "-0.0", "1e+22", "2.5e-9"]),
        (pa.array([math.nan, math.inf, None]), [None, None, None]),
        (pa.array([1.5], pa.float16()), ["1.5"]),
        (pa.array([Decimal("1.20")]), ["1.20"]),
        (pa.array([date(2013, 1, 2)]), ['"2013-01-02"']),
        (pa.array([time(1, 2, 3)]), ['"01:02:03.000000"']),
        (pa.array([datetime(2013, 1, 2, 3, tzinfo=UTC)]), ['"2013-01-02T03:00:00.000000Z"']),
        (pa.array([1357095600], pa.timestamp("s")), ['"2013-01-02T03:00:00"']),
        (pa.array([timedelta(seconds=2)], pa.duration("ms")), ["2000"]),
        (pa.array([b"\xff\x00", None]), ['"/wA="', None]),
        (pa.array([b"ab"], pa.binary(2)), ['"YWI="']),
        (pa.array([b"ab"], pa.binary_view()), ['"YWI="']),
        (pa.array(["a", None, "a"]).dictionary_encode(), ['"a"', None, '"a"']),
        (pa.array(['"'], pa.large_string()), [r'"\""']),
        (pa.array(["x"], pa.string_view()), ['"x"']),
        (pa.nulls(2), [None, None]),
        (pa.array([[("k", 1), ("l", None)], [], None], TEXT_TO_NUMBER), ['{"k":1,"l":null}', "{}", None]),
        (pa.array([[(1, "x")]], pa.map_(pa.int64(), pa.string())), ['{"1":"x"}']),
        (pa.array([[1, None], None], pa.list_(pa.int64(), 2)), ["[1,null]", None]),
        (pa.array([[1], []], pa.large_list(pa.int64())), ["[1]", "[]"]),
        (pa.array([[1], None], pa.list_view(pa.int64())), ["[1]", None]),
        (pa.array([uuid.UUID(int=1).bytes], pa.uuid()), ['"00000000-0000-0000-0000-000000000001"']),
        (pa.array([{}], pa.struct([])), ["{}"]),
    ],
    ids=lambda value: str(value.type)[:40] if isinstance(value, pa.Array) else "",
)  # fmt: skip
def test_each_type_has_a_json_form(array: pa.Array, expected: list[str | None]) -> None:
    assert json_text(array).to_pylist() == expected


def test_a_batch_without_columns_is_empty_objects() -> None:
    batch = pa.RecordBatch.from_struct_array(pa.array([{}, {}], pa.struct([])))
    assert written(batch) == "{}\n{}\n"


def test_names_are_escaped() -> None:
    assert json.loads(written(pa.RecordBatch.from_pylist([{'a"b\n': 1}]))) == {'a"b\n': 1}


def csv_text(batch: pa.RecordBatch, *, delimiter: str = ",", quoting: str = "text") -> str:
    encoder = CsvEncoder(delimiter, quoting, "utf-8", header=True)  # pyright: ignore[reportArgumentType]  # a parameter
    return (encoder.opening(batch.schema) + b"".join(encoder.rows(batch, first=True))).decode()


@settings(max_examples=40)
@given(rows, st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["text", "all"]))
def test_csv_reads_back_as_the_same_texts(values: list[dict[str, Any]], delimiter: str, quoting: str) -> None:
    batch = pa.RecordBatch.from_pylist(values, schema)
    text = csv_text(batch, delimiter=delimiter, quoting=quoting)
    found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))
    assert len(found) == len(values)
    for row, value in zip(found, values, strict=True):
        assert row["text"] == (value["text"] or "")
        assert row["number"] == ("" if value["number"] is None else str(value["number"]))
        assert row["inner"] == "" if value["inner"] is None else json.loads(row["inner"]) == value["inner"]


def test_null_and_empty_text_differ_in_csv() -> None:
    assert csv_text(pa.record_batch({"a": ["", None, "x"], "b": [1, 2, None]})) == '"a","b"\n"",1\n,2\n"x",\n'


def test_what_arrow_can_not_write_to_csv_becomes_text() -> None:
    batch = pa.record_batch(
        {
            "binary": pa.array([b"\xff"]),
            "view": pa.array(["v"], pa.string_view()),
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "uuid": pa.array([uuid.UUID(int=1).bytes], pa.uuid()),
            "coded": pa.array([1]).dictionary_encode(),
            "interval": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
            "day": pa.array([date(2013, 1, 2)]),
            "exact": pa.array([Decimal("1.20")]),
        }
    )
    (row,) = csv.DictReader(io.StringIO(csv_text(batch), newline=""))
    assert row["binary"] == "/w=="
    assert row["view"] == "v"
    assert json.loads(row["map"]) == {"k": 1}
    assert row["uuid"] == "00000000-0000-0000-0000-000000000001"
    assert (row["coded"], row["day"], row["exact"]) == ("1", "2013-01-02", "1.20")
    assert "months=1" in row["interval"]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (b'[{"a":1}\n]\n', (3, False)),
        (b"[ ]", (2, True)),
        (b"[1,", None),
        (b"", None),
        (b'{"a": 1}', None),
    ],
)
def test_the_end_of_an_array_is_found(end: bytes, expected: tuple[int, bool] | None) -> None:
    assert content_of_array(end) == expected
