from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ConfigurationError, TransformError
from active_data_flow.core.transform import Step, TransformContext
from active_data_flow.transforms import Deduplicate


def rows(step: Step, *keys: Any) -> list[Any]:
    data = pa.RecordBatch.from_pydict({"key": list(keys), "row": list(range(len(keys)))})
    return step.apply(Batch(data, "split", 0)).data.column("row").to_pylist()


def opened(**options: Any) -> Step:
    return Deduplicate(keys=["key"], **options).open(TransformContext())


def test_the_first_row_of_each_key_stays_within_and_across_batches() -> None:
    step = opened()
    assert rows(step, "a", "b", "a", None, None) == [0, 1, 3]
    step.committed()
    assert rows(step, "b", "c", None) == [1]


@given(st.lists(st.lists(st.none() | st.integers(0, 5), min_size=1, max_size=8), max_size=6))
def test_within_the_window_it_keeps_the_first_of_each(batches: list[list[int | None]]) -> None:
    step = opened()
    seen: set[int | None] = set()
    for keys in batches:
        expected = []
        for row, key in enumerate(keys):
            if key not in seen:
                expected.append(row)
                seen.add(key)
        assert rows(step, *keys) == expected


@given(st.lists(st.integers(0, 30), max_size=80), st.integers(2, 12))
def test_no_key_is_lost_and_the_last_half_window_is_remembered(keys: list[int], window: int) -> None:
    step = opened(window=window)
    kept = [key for key in keys if rows(step, key)]
    assert set(kept) == set(keys)
    for index, key in enumerate(kept):
        assert key not in kept[max(0, index - (window + 1) // 2) : index]


def test_a_retry_starts_with_a_step_that_has_seen_nothing() -> None:
    transform = Deduplicate(keys=["key"])
    first = transform.open(TransformContext())
    assert rows(first, "a") == [0]
    first.close()
    assert rows(transform.open(TransformContext()), "a") == [0]


def test_several_columns_are_one_key() -> None:
    data = pa.RecordBatch.from_pydict({"a": [1, 1, 1], "b": ["x", "y", "x"], "c": [1, 2, 3]})
    step = Deduplicate(keys=["a", "b"]).open(TransformContext())
    assert step.apply(Batch(data, "split", 0)).data.column("c").to_pylist() == [1, 2]


def test_a_batch_without_duplicates_is_not_copied() -> None:
    data = pa.RecordBatch.from_pydict({"key": [1, 2]})
    assert opened().apply(Batch(data, "split", 0)).data is data


def test_what_can_be_no_key_is_named() -> None:
    with pytest.raises(TransformError, match="there is no column 'kee'; did you mean key"):
        rows(Deduplicate(keys=["kee"]).open(TransformContext()), 1)
    with pytest.raises(TransformError, match="lists and structs are no keys"):
        rows(opened(), [1])
    with pytest.raises(ConfigurationError, match="keys"):
        Deduplicate(keys=[])
