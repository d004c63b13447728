from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ConfigurationError, PluginError, TransformError
from active_data_flow.core.registry import build, register_function
from active_data_flow.core.transform import Transform, TransformContext
from active_data_flow.transforms import Cast, Python, Rename, Select

DATA = pa.RecordBatch.from_pydict({"sku": ["a", "b", "c"], "price": ["1.5", "x", None], "count": [1, 0, 2]})


def applied(transform: Transform, data: pa.RecordBatch = DATA) -> Batch:
    assert build("transform", transform.to_document()) == transform
    step = transform.open(TransformContext())
    try:
        return step.apply(Batch(data, "split", 7))
    finally:
        step.close()


def test_select_keeps_columns_in_the_order_given_or_leaves_some_out() -> None:
    assert applied(Select(columns=["count", "sku"])).data.schema.names == ["count", "sku"]
    assert applied(Select(exclude=["sku"])).data.schema.names == ["price", "count"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "either columns .* or exclude"),
        ({"columns": ["a"], "exclude": ["b"]}, "either columns .* or exclude"),
        ({"columns": ["a", "a"]}, "a is named twice"),
    ],
)
def test_select_takes_one_of_its_options(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Select(**options)


def test_rename_keeps_the_places_and_may_swap_names() -> None:
    assert applied(Rename(columns={"sku": "price", "price": "sku"})).data.schema.names == ["price", "sku", "count"]


def test_rename_to_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(TransformError, match="sku can't become count: there is a column count already"):
        applied(Rename(columns={"sku": "count"}))
    with pytest.raises(ConfigurationError, match="x is the new name of two columns"):
        Rename(columns={"a": "x", "b": "x"})
    with pytest.raises(ConfigurationError, match="a new name is empty"):
        Rename(columns={"a": ""})
    with pytest.raises(ConfigurationError, match="columns"):
        Rename(columns={})


@pytest.mark.parametrize(
    "transform",
    [
        Select(columns=["prise"]),
        Select(exclude=["prise"]),
        Rename(columns={"prise": "x"}),
        Cast(columns={"prise": "int"}),
    ],
)
def test_an_unknown_column_suggests_the_right_one(transform: Transform) -> None:
    with pytest.raises(TransformError, match="there is no column 'prise'; did you mean price"):
        applied(transform)


def test_select_that_leaves_nothing_over_is_refused() -> None:
    with pytest.raises(TransformError, match="leaves no column over"):
        applied(Select(exclude=["sku", "price", "count"]))


def test_cast_rejects_rows_that_do_not_fit_and_leaves_null_alone() -> None:
    result = applied(Cast(columns={"price": "decimal(12,2)", "count": "string"}))
    assert [str(row["price"]) for row in result.data.to_pylist()] == ["1.50", "None"]
    assert result.data.schema.field("count").type == pa.string()
    (reject,) = result.rejects
    assert (reject.error, reject.field, reject.stage) == ("price: 'x' does not fit decimal(12,2)", "price", "transform")


def test_cast_to_an_unknown_type_is_a_bad_option() -> None:
    with pytest.raises(ConfigurationError, match=r"Cast: columns: price: type 'flot'.*did you mean float"):
        Cast(columns={"price": "flot"})


def test_python_calls_a_registered_function_for_each_message() -> None:
    @register_function
    def half(message: Any) -> Any:
        return message | {"half": 1 / message["count"]}

    result = applied(Python(function="half"))
    assert result.data.column("half").to_pylist() == [1.0, 0.5]
    assert [reject.error_type for reject in result.rejects] == ["ZeroDivisionError"]
    declared = applied(Python(function="half", output_schema={"half": "string"}))
    assert declared.data.to_pylist() == [{"half": "1"}, {"half": "0.5"}]


def test_python_calls_a_registered_function_for_a_whole_batch() -> None:
    register_function(lambda data: data.slice(1), "behead")
    register_function(lambda data: data.num_rows, "count_rows")
    register_function(lambda data: data.column("nope"), "broken")
    assert applied(Python(function="behead", batch=True)).num_rows == 2
    with pytest.raises(TransformError, match=r"count_rows returned int, not a pyarrow\.RecordBatch"):
        applied(Python(function="count_rows", batch=True))
    with pytest.raises(TransformError, match="python: broken: KeyError"):
        applied(Python(function="broken", batch=True))


def test_python_with_a_function_that_is_not_registered_says_so() -> None:
    with pytest.raises(PluginError, match="no function 'unheard_of' is registered"):
        Python(function="unheard_of").check()
    with pytest.raises(ConfigurationError, match=r"output_schema: schema: field 'half': type 'flot'"):
        Python(function="half", output_schema={"half": "flot"})
    with pytest.raises(ConfigurationError, match="leave out output_schema"):
        Python(function="half", output_schema={"half": "float"}, batch=True)
