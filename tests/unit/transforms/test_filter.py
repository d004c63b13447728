from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ConfigurationError, TransformError
from active_data_flow.core.transform import TransformContext
from active_data_flow.transforms import Filter

FLIGHTS = pa.RecordBatch.from_pydict(
    {
        "origin": ["EWR", "JFK", None, "LGA"],
        "dep_delay": [2, None, 30, -1],
        "text": ["1", "x", "3", "y"],
        "kind": pa.array(["a", "b", "a", "b"]).dictionary_encode(),
        "seen": pa.array([1, 2, 3, 4], pa.timestamp("ns", "Europe/Oslo")),
    }
)


def applied(where: str, data: pa.RecordBatch = FLIGHTS) -> Batch:
    step = Filter(where=where).open(TransformContext())
    try:
        return step.apply(Batch(data, "flights.csv", 7))
    finally:
        step.close()


def test_rows_where_the_condition_is_true_stay_with_their_exact_types() -> None:
    result = applied("dep_delay > 0 and origin is not null")
    assert result.data.equals(FLIGHTS.slice(0, 1))
    assert (result.rejects, result.split_id, result.position) == ((), "flights.csv", 7)


def test_false_and_null_drop_the_row() -> None:
    assert applied("dep_delay > 0").data.column("dep_delay").to_pylist() == [2, 30]
    assert applied("null").num_rows == 0


def test_a_batch_that_passes_whole_is_not_copied() -> None:
    assert applied("true").data is FLIGHTS


@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | st.integers(-5, 5), min_size=1, max_size=50), st.integers(-5, 5))
def test_it_keeps_what_python_would_keep_in_the_same_order(values: list[int | None], limit: int) -> None:
    data = pa.RecordBatch.from_pydict({"n": pa.array(values, pa.int64()), "row": list(range(len(values)))})
    kept = applied(f"n > {limit}", data).data.column("row").to_pylist()
    assert kept == [row for row, value in enumerate(values) if value is not None and value > limit]


def test_rows_on_which_the_condition_fails_are_rejected_one_by_one() -> None:
    result = applied("cast(text as int) > 1")
    assert result.data.column("text").to_pylist() == ["3"]
    assert [reject.record["text"] for reject in result.rejects] == ["x", "y"]  # type: ignore[index]
    first = result.rejects[0]
    assert first.error.startswith("where cast(text as int) > 1: Conversion Error: Could not convert string 'x'")
    assert (first.error_type, first.stage) == ("TransformError", "transform")


def test_failing_rows_are_found_by_halves_where_they_cannot_be_found_at_once() -> None:
    result = applied("random() > 2 or cast(text as int) > 1")  # TRY takes no volatile function
    assert [reject.record["text"] for reject in result.rejects] == ["x", "y"]  # type: ignore[index]


def test_metadata_stays_aligned() -> None:
    batch = replace(Batch(FLIGHTS, "s", 0), metadata=pa.RecordBatch.from_pydict({"key": [1, 2, 3, 4]}))
    step = Filter(where="cast(text as int) > 1").open(TransformContext())
    result = step.apply(batch)
    step.close()
    assert result.metadata is not None
    assert result.metadata.column("key").to_pylist() == [3]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("dep_dealy > 0", "filter: there is no column 'dep_dealy'; did you mean dep_delay"),
        ("dep_delay >", "filter: Parser Error: .*; in: dep_delay >"),
        ("dep_delay > 0) from batch; select (true", "Parser Error|one SELECT statement"),
        ("count(*) > 1", "about several rows"),
        ("regexp_matches(text, '(')", "Invalid Input Error"),
        ("nofunction(text)", "nofunction"),
        ("origin = 'EWR' and dep_delay", "Conversion|Binder|Cannot"),
    ],
)
def test_a_condition_that_is_wrong_itself_fails_the_run_and_says_why(where: str, says: str) -> None:
    if where.endswith("dep_delay"):
        assert applied(where).num_rows == 1  # DuckDB takes a number for a truth value
        return
    with pytest.raises(TransformError, match=says):
        applied(where)


def test_a_comment_at_the_end_is_a_comment() -> None:
    assert applied("dep_delay > 0 -- late").num_rows == 2


@pytest.mark.parametrize(
    "where",
    [
        "exists (select * from read_csv('{path}'))",
        "exists (select * from read_text('{path}'))",
        "exists (select * from '{path}')",
        "getenv('HOME') is not null",
        "exists (select * from FLIGHTS)",
    ],
)
def test_a_condition_sees_no_file_variable_or_environment(where: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(TransformError):
        applied(where.format(path=secret))


@pytest.mark.parametrize("options", [{}, {"where": ""}, {"wehre": "true"}])
def test_bad_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="where"):
        Filter(**options)


def test_check_parses_the_condition() -> None:
    assert Filter(where="a > 1").check() == ["filter: a > 1 is a condition"]
    with pytest.raises(TransformError):
        Filter(where="a >").check()
