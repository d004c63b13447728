from __future__ import annotations

import json
import threading
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow import (
    DataFlow,
    Deduplicate,
    ErrorPolicy,
    FileSink,
    FileSource,
    Filter,
    Schema,
    Select,
    SqlSink,
    SqlSource,
    field,
)
from active_data_flow.core.errors import (
    ConfigurationError,
    RecordError,
    RejectLimitError,
    SchemaError,
    TransformError,
)
from active_data_flow.core.events import Events
from active_data_flow.core.loading import load_flow
from active_data_flow.core.policies import SchemaContract
from active_data_flow.core.run import Budget
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.engine.stores.memory import MemoryStore
from active_data_flow.testing import MemorySink, ScriptedSource


class Price(Schema):
    sku: str = field(alias="SKU")
    amount: Decimal = field(precision=12, scale=2)
    since: date | None


class Prices(DataFlow):
    source = SqlSource(url="postgresql://nobody@nowhere.invalid/shop", table="prices")
    sink = SqlSink(url="postgresql://nobody@nowhere.invalid/shop", table="clean")
    schema = Price
    transforms = (Filter(where="amount > 0"),)
    on_error = ErrorPolicy(reject=True)
    markup: float = 1.0

    def transform(self, price):
        if price.sku == "bad":
            raise ValueError("a bad one")
        return price | {"amount": price.amount * Decimal(self.markup)}


RECORDS = [
    {"SKU": "a", "amount": "2.50", "since": "2026-01-05"},
    {"SKU": "b", "amount": "what?", "since": None},
    {"SKU": "c", "amount": "0", "since": None},
    {"SKU": "bad", "amount": 1, "since": None},
]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(threading.enumerate())
    yield
    assert list(tmp_path.iterdir()) == []
    assert not set(threading.enumerate()) - before


def test_outputs_and_rejects_are_those_of_a_run_without_its_places():
    result = Prices(markup=2).test(RECORDS)
    assert result.outputs == [{"sku": "a", "amount": Decimal("5.00"), "since": date(2026, 1, 5)}]
    cast, raised = result.rejects
    assert (cast.step, cast.field, cast.record) == ("schema", "amount", RECORDS[1])
    assert "'what?' does not fit decimal(12,2)" in cast.error
    assert (raised.step, raised.error_type, raised.record["sku"]) == ("transform", "ValueError", "bad")
    assert isinstance(raised.cause, ValueError)
    assert (result.records_read, result.records_written, result.records_rejected) == (4, 1, 2)
    assert result.schema.field("amount").type == pa.decimal128(12, 2)


def test_messages_may_be_instances_of_the_schema_or_arrow_data():
    typed = [Price(sku="a", amount=Decimal("2.50"), since=None)]
    expected = [{"sku": "a", "amount": Decimal("2.50"), "since": None}]
    assert Prices().test(typed).outputs == expected
    table = pa.table({"SKU": ["a", "b"], "amount": ["2.50", "0"]})
    assert Prices().test(table).outputs == expected
    assert Prices().test(table.to_batches()[0]).outputs == expected
    assert Prices().test(row for row in table.to_pylist()).outputs == expected


def test_the_step_is_the_transform_that_rejected():
    flow = DataFlow(
        name="steps",
        source=MemoryPlace.source,
        sink=MemoryPlace.sink,
        transforms=[Select(columns=["n"]), Filter(where="cast(n as int) > 1")],
        on_error=ErrorPolicy(reject=True),
    )
    result = flow.test([{"n": "5", "other": 1}, {"n": "five", "other": 1}])
    assert result.outputs == [{"n": "5"}]
    assert [(reject.step, reject.record) for reject in result.rejects] == [("filter", {"n": "five"})]


class MemoryPlace:
    source = ScriptedSource(script={"a": []})
    sink = MemorySink()


def test_the_policy_to_fail_raises_what_a_run_would_raise():
    flow = Prices(on_error=ErrorPolicy())
    with pytest.raises(RecordError, match=r"what\?.*on_error: \{reject: true\}") as error:
        flow.test(RECORDS)
    assert (error.value.flow, error.value.field) == ("prices", "amount")
    with pytest.raises(RecordError, match="a bad one") as raised:
        flow.test(RECORDS[3:])
    assert isinstance(raised.value.__cause__, ValueError)


def test_limits_of_rejects_hold():
    with pytest.raises(RejectLimitError, match="max_rejects 1"):
        Prices(on_error=ErrorPolicy(reject=True, max_rejects=1)).test(RECORDS)
    many = [{"SKU": "bad", "amount": 1, "since": None}] * 1000
    with pytest.raises(RejectLimitError, match=r"max_reject_share 0\.5"):
        Prices(on_error=ErrorPolicy(reject=True, max_reject_share=0.5)).test(many)


def test_the_contract_says_what_happens_to_values_that_do_not_fit():
    with pytest.raises(SchemaError, match=r"what\?"):
        Prices(contract=SchemaContract(type="fail")).test(RECORDS)
    with pytest.raises(SchemaError, match="did you mean SKU"):
        Prices().test([{"SKUU": "a", "SKU_": 1, "amount": 1}])


def test_a_transform_that_fails_as_a_whole_is_the_error_of_the_step():
    class Broken(Prices):
        def transform_batch(self, batch):
            raise RuntimeError("out of luck")

    with pytest.raises(TransformError, match="RuntimeError: out of luck") as error:
        Broken().test(RECORDS)
    assert error.value.connector == "transform_batch"


DOCUMENT = {
    "name": "documented",
    "source": {"type": "file", "path": "nowhere/*.csv"},
    "transforms": [{"type": "filter", "where": "n > 1"}, {"type": "rename", "columns": {"n": "number"}}],
    "sink": {"type": "file", "path": "never.csv"},
    "schema": {"n": "int64"},
}


def test_a_flow_from_a_document(tmp_path_factory):
    path = tmp_path_factory.mktemp("documents") / "flow.json"
    path.write_text(json.dumps(DOCUMENT))
    for flow in (DataFlow.from_document(DOCUMENT), load_flow(str(path))):
        assert flow.test([{"n": 1}, {"n": "2"}]).outputs == [{"number": 2}]


def test_several_sources_are_told_apart_by_name():
    flow = DataFlow(
        name="several",
        sources={"left": FileSource(path="l.csv"), "right": FileSource(path="r.csv")},
        sinks={"one": FileSink(path="1.csv"), "two": FileSink(path="2.csv")},
        transforms=[Deduplicate(keys=["n"])],
    )
    result = flow.test({"left": [{"n": 1}, {"n": 1}], "right": [{"n": 1}, {"n": 2}]})
    assert result.outputs == [{"n": 1}, {"n": 1}, {"n": 2}]
    assert {name: part.outputs for name, part in result.by_source.items()} == {
        "left": [{"n": 1}],
        "right": [{"n": 1}, {"n": 2}],
    }
    assert result.records_read == 4
    assert flow.test({"right": [{"n": 3}]}).outputs == [{"n": 3}]
    with pytest.raises(ConfigurationError, match=r"messages by name, \{'left'"):
        flow.test([{"n": 1}])
    with pytest.raises(ConfigurationError, match="no source 'lift'; did you mean left"):
        flow.test({"lift": []})


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ({"n": 1}, "has one source: test it with a list of messages"),
        ([{"n": 1}, "n"], "message 2 is no mapping"),
        ([{"n": 1}, {"n": object()}], "message 2 has a value that Arrow has no type for"),
    ],
)
def test_what_is_no_message_is_refused(messages, error):
    with pytest.raises(ConfigurationError, match=error):
        DataFlow.from_document(DOCUMENT).test(messages)


def test_messages_of_mixed_types_and_columns_go_through():
    flow = DataFlow(name="mixed", source=MemoryPlace.source, sink=MemoryPlace.sink)
    assert flow.test([{"n": 1}, {"n": 2, "m": "x"}]).outputs == [{"n": 1, "m": None}, {"n": 2, "m": "x"}]
    mixed = flow.test([{"n": 1}, {"n": "one"}])
    assert mixed.outputs == [{"n": 1}, {"n": "one"}]
    with pytest.raises(SchemaError, match="differ in their types"):
        _ = mixed.schema


def test_no_messages_give_nothing():
    result = Prices().test([])
    assert (result.outputs, result.rejects, result.records_read, len(result.schema)) == ([], [], 0, 0)


class Halves(DataFlow):
    on_error = ErrorPolicy(reject=True)
    schema = {"n": "int64"}  # noqa: RUF012  # as users write it
    transforms = (Filter(where="n <> 3"),)

    def transform(self, message):
        if message["n"] % 2:
            raise ValueError("odd")
        return [message, {"n": message["n"] // 2}]


@settings(max_examples=20)
@given(st.lists(st.one_of(st.integers(-9, 9), st.sampled_from(["7", "x", ""])), max_size=12))
def test_what_the_test_says_is_what_a_run_does(values):
    messages = [{"n": value} for value in values]
    tested = Halves(source=MemoryPlace.source, sink=MemoryPlace.sink).test(messages)
    sink, store = MemorySink(), MemoryStore()
    flow = Halves(source=ScriptedSource(script={"a": messages}, poll_rows=1), sink=sink)
    result = Coordinator(flow, store, Events(), Stop()).run(Budget())
    assert tested.outputs == sink.rows
    kept = [item.reject for item in store.rejected.get("halves", [])]
    assert sorted(map(_told, tested.rejects)) == sorted(map(_told, kept))
    assert (tested.records_read, tested.records_written) == (result.records_read, result.records_written)


def _told(reject):
    return str((dict(reject.record), reject.error, reject.error_type, reject.field))


def test_it_runs_in_the_thread_of_the_caller():
    seen = []

    class Here(DataFlow):
        lanes = "processes"

        def transform(self, message):
            seen.append(threading.current_thread())
            return message

    Here(source=MemoryPlace.source, sink=MemoryPlace.sink).test([{"n": 1}])
    assert seen == [threading.current_thread()]
