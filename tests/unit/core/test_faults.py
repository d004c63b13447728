from __future__ import annotations

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.documents import parse_document
from active_data_flow.core.errors import ConfigurationError, Fault, PluginError
from active_data_flow.core.faults import Faults
from active_data_flow.core.loading import load_document
from active_data_flow.core.policies import RetryPolicy

SINK = {"type": "file", "path": "out.csv"}


def faults_of(document):
    with pytest.raises(ConfigurationError) as raised:
        DataFlow.from_document(document)
    return raised.value


def test_each_bad_option_has_its_path():
    error = faults_of({"name": "a", "source": {"type": "file", "pth": "x.csv"}, "sink": SINK})
    assert error.faults == (
        Fault(("source", "path"), "is required"),
        Fault(("source", "pth"), "unknown option; did you mean path?"),
    )


def test_all_bad_parts_are_told_at_once():
    error = faults_of(
        {
            "name": "a",
            "parallelism": 0,
            "source": {"type": "fiel"},
            "sinks": {"one": SINK, "two": {"type": "file"}},
            "transforms": [{"type": "select", "columns": ["a"]}, {"type": "filter"}],
        }
    )
    paths = [".".join(map(str, fault.path)) for fault in error.faults]
    assert paths == ["source", "sinks.two.path", "transforms.1.where", "parallelism"]
    assert error.message.startswith("4 faults:\n  source: unknown source 'fiel'")


def test_a_single_error_keeps_its_kind_and_its_words():
    error = faults_of({"name": "a", "source": {"type": "fiel"}, "sink": SINK})
    assert isinstance(error, PluginError)
    assert error.message.startswith("unknown source 'fiel'; did you mean file?")
    assert [fault.path for fault in error.faults] == [("source",)]


def test_a_part_that_is_no_mapping_has_its_path_too():
    assert [fault.path for fault in faults_of({"name": "a", "sources": [], "sink": SINK}).faults] == [("sources",)]


def test_faults_survive_the_place_in_a_file():
    text = "name: a\nsource:\n  type: file\nsink: {type: file, path: out.csv}\n"
    with pytest.raises(ConfigurationError, match=r"prices\.yaml, line 3: file source: path: is required") as raised:
        load_document(parse_document(text, name="prices.yaml"))
    assert raised.value.faults == (Fault(("source", "path"), "is required"),)


def test_nested_options_have_whole_paths():
    with pytest.raises(ConfigurationError) as raised:
        RetryPolicy(attempts="many")
    assert [fault.path for fault in raised.value.below("retry").faults] == [("retry", "attempts")]


def test_nothing_is_raised_where_all_is_in_order():
    faults = Faults()
    with faults.at("source"):
        pass
    assert not faults
    faults.raise_all()
