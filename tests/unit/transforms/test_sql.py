from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ConfigurationError, TransformError
from active_data_flow.core.transform import TransformContext
from active_data_flow.transforms import Sql

DATA = pa.RecordBatch.from_pydict(
    {
        "n": [1, 2, 3],
        "text": ["1", "x", None],
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "large": pa.array(["a", "b", "c"], pa.large_string()),
        "price": pa.array([Decimal("1.50")] * 3, pa.decimal128(12, 2)),
        "oslo": pa.array([datetime(2024, 1, 2)] * 3, pa.timestamp("us", "Europe/Oslo")),  # noqa: DTZ001
        "second": pa.array([1, 2, 3], pa.timestamp("s")),
        "tags": [["p"], ["q", "r"], None],
    }
)


def applied(query: str, data: pa.RecordBatch = DATA, metadata: pa.RecordBatch | None = None) -> Batch:
    step = Sql(query=query).open(TransformContext())
    try:
        return step.apply(replace(Batch(data, "split", 7), metadata=metadata))
    finally:
        step.close()


def rows(query: str) -> list[dict[str, Any]]:
    result = applied(query)
    result.data.validate(full=True)
    assert result.rejects == ()
    return result.data.to_pylist()


def test_columns_that_pass_through_keep_their_exact_types() -> None:
    result = applied("select *, n * 2 as twice from batch where n < 3;")
    assert result.data.select(DATA.schema.names).equals(DATA.slice(0, 2))
    assert result.data.column("twice").to_pylist() == [2, 4]


def test_a_column_that_is_made_anew_under_an_old_name_has_its_own_type() -> None:
    result = applied("select text as n, n as text from batch")
    assert result.data.schema.types == [pa.string(), pa.int64()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select sum(n) as total from batch", [{"total": Decimal(6)}]),
        ("select n from batch order by n desc limit 1", [{"n": 3}]),
        (
            "select n, unnest(tags) as tag from batch",
            [{"n": 1, "tag": "p"}, {"n": 2, "tag": "q"}, {"n": 2, "tag": "r"}],
        ),
        ("with late as (select * from batch where n > 2) select n from late", [{"n": 3}]),
        ("select n from batch where false", []),
    ],
)
def test_any_select_on_the_batch_is_possible(query: str, expected: list[dict[str, Any]]) -> None:
    assert rows(query) == expected


def test_a_row_that_makes_a_row_wise_query_fail_is_rejected() -> None:
    result = applied("select n, cast(text as int) as number from batch")
    assert result.data.to_pylist() == [{"n": 1, "number": 1}, {"n": 3, "number": None}]
    (reject,) = result.rejects
    assert (reject.record["n"], reject.error_type, reject.stage) == (2, "TransformError", "transform")  # type: ignore[index]
    assert "Could not convert string 'x'" in reject.error


def test_where_all_rows_fail_all_are_rejected_and_the_columns_stay_known() -> None:
    result = applied("select n, cast(text as int) as number from batch", DATA.slice(1, 1))
    assert (result.num_rows, len(result.rejects), result.data.schema.names) == (0, 1, ["n", "number"])


@pytest.mark.parametrize(
    "query",
    [
        "select sum(cast(text as int)) as total from batch",
        "select cast(text as int) as number, row_number() over () as row from batch",
        "select distinct cast(text as int) as number from batch",
        "select cast(text as int) as number from batch order by n",
        "select cast(text as int) + (select max(n) from batch) as number from batch",
    ],
)
def test_in_a_query_on_several_rows_no_single_one_is_rejected(query: str) -> None:
    with pytest.raises(TransformError, match="looks at several rows, so no single one can be rejected: use try_cast"):
        applied(query)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select nn from batch", "there is no column 'nn'; did you mean n"),
        ("select * from bach", "Table with name bach does not exist! .the rows are in the table batch"),
        ("select", "sql: Parser Error"),
        ("select 1; select 2", "one SELECT statement"),
        ("copy batch to 'x.csv'", "one SELECT statement"),
        ("drop view batch", "one SELECT statement"),
        ("select nofunction(n) from batch", "nofunction"),
    ],
)
def test_a_query_that_is_wrong_itself_says_why(query: str, says: str) -> None:
    with pytest.raises(TransformError, match=says):
        applied(query)


def test_a_query_sees_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(TransformError, match="sees the table batch and nothing else"):
        applied(f"select * from read_csv('{secret}')")


def test_metadata_stays_where_the_rows_stay_and_goes_where_they_may_not() -> None:
    keys = pa.RecordBatch.from_pydict({"key": [1, 2, 3]})
    same = applied("select n from batch", metadata=keys)
    assert same.metadata is not None
    assert same.metadata.column("key").to_pylist() == [1, 2, 3]
    assert applied("select n from batch order by n desc", metadata=keys).metadata is None
    partly = applied("select cast(text as int) as n from batch", metadata=keys)
    assert partly.metadata is not None
    assert partly.metadata.column("key").to_pylist() == [1, 3]


def test_a_step_takes_one_batch_after_the_other_also_of_another_schema() -> None:
    step = Sql(query="select * from batch").open(TransformContext())
    for data in (DATA, DATA.select(["price"]), pa.RecordBatch.from_pydict({"price": ["x"]}), DATA):
        assert step.apply(Batch(data, "split", 0)).data.equals(data)
    step.close()
    step.close()


def test_an_empty_query_is_a_bad_option() -> None:
    with pytest.raises(ConfigurationError, match="query"):
        Sql(query="")
