from __future__ import annotations

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.registry import register
from active_data_flow.testing import MemorySink, ScriptedSource, TransactionalMemorySink, place

SCRIPT = {"a": [{"price": 1}, {"price": 20}, {"price": 3}]}


@pytest.fixture(autouse=True)
def registered():
    register("source", "scripted-for-test", ScriptedSource)
    register("sink", "memory-for-test", MemorySink)


class CheapOnly(DataFlow):
    """A flow with an option of its own."""

    source = ScriptedSource(script=SCRIPT)
    sink = TransactionalMemorySink(place="cheap")
    limit: float = 10.0

    def transform(self, message):
        return message if message["price"] < self.limit else None


def test_a_class_takes_its_own_options_and_its_name_from_the_class(tmp_path):
    place("cheap").rows.clear()
    result = CheapOnly(limit=2).run(directory=tmp_path)
    assert (result.flow, result.records_read, result.records_written) == ("cheap_only", 3, 1)
    assert place("cheap").rows == [{"price": 1}]


def test_options_are_validated_and_unknown_ones_named():
    with pytest.raises(ConfigurationError, match=r"limit: .*number.*given: 'much'"):
        CheapOnly(limit="much")
    with pytest.raises(ConfigurationError, match=r"limt: unknown option; did you mean limit"):
        CheapOnly(limt=2)


def test_policies_of_the_class_can_be_replaced_by_name():
    flow = CheapOnly(name="other", on_error={"reject": True, "max_rejects": 5}, checkpoint={"every": "5m"})
    assert (flow.name, flow.on_error.max_rejects, flow.checkpoint.every) == ("other", 5, 300.0)
    with pytest.raises(ConfigurationError, match=r"on_error\.max_rejects: .*given: 'many'"):
        CheapOnly(on_error={"max_rejects": "many"})


DOCUMENT = {
    "name": "prices",
    "source": {"type": "scripted-for-test", "script": SCRIPT},
    "sinks": {"left": {"type": "memory-for-test", "place": "l"}, "right": {"type": "memory-for-test", "place": "r"}},
    "parallelism": 2,
    "on_error": {"reject": True},
    "schema": {"price": "int64"},
}


def test_a_document_makes_a_flow_and_the_flow_makes_the_document():
    flow = DataFlow.from_document(DOCUMENT)
    assert flow.parallelism == 2
    assert sorted(flow.all_sinks) == ["left", "right"]
    again = DataFlow.from_document(flow.to_document())
    assert again.to_document() == flow.to_document()
    assert flow.to_document()["schema"] == {"price": "int64"}


def test_a_flow_with_code_is_no_document():
    with pytest.raises(ConfigurationError, match="overrides transform"):
        CheapOnly().to_document()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"source": {"type": "scripted-for-tset"}},
            "unknown source 'scripted-for-tset'; did you mean scripted-for-test",
        ),
        ({"source": "in.csv"}, "a source is a mapping with a type"),
        ({"transforms": {"type": "filter"}}, "transforms is a list"),
        ({"transform": []}, "transform: unknown option; did you mean transforms"),
        ({"schema": {"price": "int65"}}, "int65.*int64"),
        ({"name": None}, "name"),
    ],
)
def test_faults_in_documents_are_named(change, message):
    with pytest.raises(ConfigurationError, match=message):
        DataFlow.from_document({**DOCUMENT, **change})
