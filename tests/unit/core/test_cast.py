from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.core.batch import Batch
from active_data_flow.core.cast import cast_batch
from active_data_flow.core.errors import SchemaError
from active_data_flow.core.policies import Drift
from active_data_flow.core.schema import arrow_schema


def batch_of(values: list[Any], kind: pa.DataType | None = None) -> Batch:
    return Batch(pa.RecordBatch.from_arrays([pa.array(values, kind)], names=["f"]), "split", 7)


def test_a_reject_names_field_value_and_reason_and_keeps_the_record() -> None:
    data = pa.RecordBatch.from_pylist(
        [{"n": "1", "a": {"zip": "x"}}, {"n": "one", "a": {"zip": "7"}}, {"n": "2", "a": {"zip": "7"}}]
    )
    batch = Batch(data, "prices.csv", 7)
    cast = cast_batch(batch, arrow_schema({"n": "int64", "a": "struct<zip: int64>"}), stage="write")
    assert cast.data.to_pylist() == [{"n": 2, "a": {"zip": 7}}]
    first, second = cast.rejects
    assert (first.field, first.error) == ("a.zip", "a.zip: 'x' does not fit int64")
    assert (second.field, second.error, second.error_type) == ("n", "n: 'one' does not fit int64", "SchemaError")
    assert (second.record, second.stage, second.split_id, second.position) == (
        data.to_pylist()[1],
        "write",
        "prices.csv",
        7,
    )


def test_all_faults_of_a_row_are_one_reject() -> None:
    batch = Batch(pa.RecordBatch.from_pylist([{"a": "x", "b": None}]), "split", 0)
    (reject,) = cast_batch(batch, arrow_schema({"a": "int64", "b": "int64"})).rejects
    assert reject.error == "a: 'x' does not fit int64; b: is null, but int64 allows no null (int64? does)"


def test_long_values_are_shortened() -> None:
    (reject,) = cast_batch(batch_of(["y" * 10_000]), arrow_schema({"f": "int64"})).rejects
    assert len(reject.error) < 150


def test_earlier_rejects_and_aligned_metadata_are_kept() -> None:
    batch = replace(batch_of(["1", "x", "3"]), metadata=pa.RecordBatch.from_pydict({"key": [10, 20, 30]}))
    cast = cast_batch(batch, arrow_schema({"f": "int64"}))
    assert cast.metadata is not None
    assert cast.metadata.column("key").to_pylist() == [10, 30]
    again = cast_batch(cast, arrow_schema({"f": "bool"}))
    assert [reject.error for reject in again.rejects] == ["f: 'x' does not fit int64", "f: 3 does not fit bool"]


# ---------- the contract


def test_discard_puts_null_in_the_place_of_what_does_not_fit() -> None:
    cast = cast_batch(batch_of(["1", "x"]), arrow_schema({"f": "int64?"}), drift=Drift.DISCARD)
    assert (cast.data.to_pylist(), cast.rejects) == ([{"f": 1}, {"f": None}], ())


def test_discard_rejects_only_where_null_is_not_allowed() -> None:
    cast = cast_batch(batch_of(["1", "x"]), arrow_schema({"f": "int64"}), drift=Drift.DISCARD)
    assert (cast.data.to_pylist(), len(cast.rejects)) == ([{"f": 1}], 1)


def test_evolve_keeps_the_type_of_the_data_where_a_value_does_not_fit() -> None:
    good = cast_batch(batch_of(["1", "2"]), arrow_schema({"f": "int64"}), drift=Drift.EVOLVE)
    bad = cast_batch(batch_of(["1", "x", None]), arrow_schema({"f": "int64"}), drift=Drift.EVOLVE)
    assert good.data.schema.field("f").type == pa.int64()
    assert bad.data.to_pylist() == [{"f": "1"}, {"f": "x"}, {"f": None}]


def test_fail_names_row_and_field() -> None:
    with pytest.raises(
        SchemaError, match=r"row 2 of 2 of the batch: f: 'x' does not fit int64 \[split=split position=7\]"
    ):
        cast_batch(batch_of(["1", "x"]), arrow_schema({"f": "int64"}), drift=Drift.FAIL)


def test_a_missing_column_is_null_or_an_error_that_suggests_the_right_one() -> None:
    cast = cast_batch(batch_of(["1"]), arrow_schema({"f": "string", "g": "int64?"}))
    assert cast.data.to_pylist() == [{"f": "1", "g": None}]
    batch = Batch(pa.RecordBatch.from_pylist([{"delay_dep": 1}]), "split", 0)
    with pytest.raises(SchemaError, match="'dep_delay' is missing in the data; did you mean delay_dep"):
        cast_batch(batch, arrow_schema({"dep_delay": "int64"}))


def test_batches_without_rows_need_no_columns() -> None:
    empty = Batch(pa.RecordBatch.from_pylist([], schema=pa.schema([])), "split", 0, finished=True)
    assert cast_batch(empty, arrow_schema({"f": "int64"})).data.schema.names == ["f"]


def test_other_columns_are_left_out_or_kept_behind() -> None:
    batch = Batch(pa.RecordBatch.from_pylist([{"b": 1, "a": 2}]), "split", 0)
    schema = arrow_schema({"a": "int64"})
    assert cast_batch(batch, schema).data.to_pylist() == [{"a": 2}]
    assert cast_batch(batch, schema, strict_columns=False).data.to_pylist() == [{"a": 2, "b": 1}]


def test_a_batch_that_has_the_schema_is_returned_as_it_is() -> None:
    batch = batch_of([1, 2])
    assert cast_batch(batch, pa.schema({"f": pa.int64()})) is batch


def test_columns_that_have_their_type_are_not_copied() -> None:
    batch = batch_of([1, 2])
    cast = cast_batch(batch, arrow_schema({"f": "int64", "g": "string?"}))
    assert cast.data.column("f").buffers()[1].address == batch.data.column("f").buffers()[1].address


def test_a_schema_that_allows_no_null_is_held_even_where_the_types_are_the_same() -> None:
    schema = pa.schema([pa.field("f", pa.int64(), nullable=False)])
    lying = Batch(pa.RecordBatch.from_arrays([pa.array([1, None])], schema=schema), "split", 0)
    assert cast_batch(lying, schema).data.to_pylist() == [{"f": 1}]


def test_a_column_of_garbage_is_no_slower_than_a_few_seconds() -> None:
    texts = [f"garbage {number}" for number in range(50_000)]
    numbers = [str(10**30 + number) if number % 50 == 0 else str(number) for number in range(20_000)]
    assert len(cast_batch(batch_of(texts), arrow_schema({"f": "timestamp[us, UTC]"})).rejects) == 50_000
    assert len(cast_batch(batch_of(numbers), arrow_schema({"f": "int64"})).rejects) == 400
