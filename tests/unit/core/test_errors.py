from __future__ import annotations

import inspect
import pickle

import pytest

from active_data_flow.core import errors
from active_data_flow.core.errors import (
    ActiveDataFlowError,
    FencedError,
    RecordError,
    SinkUnavailableError,
    SourceError,
    SourceUnavailableError,
    Then,
)

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, ActiveDataFlowError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_in_the_tree_is_exported_and_says_what_happens_next(kind: type[ActiveDataFlowError]) -> None:
    assert kind.__name__ in errors.__all__
    assert isinstance(kind("text").then, Then)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_survives_the_way_to_another_process(kind: type[ActiveDataFlowError]) -> None:
    error = kind("text", flow="prices", split="a.csv", position={"byte": 7}, then=Then.RETRY)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.context, again.then) == (kind, "text", error.context, Then.RETRY)


def test_a_record_error_keeps_its_field_on_the_way_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(RecordError("text", field="price"))).field == "price"


def test_the_text_tells_the_place_as_far_as_it_is_known() -> None:
    error = SourceError("file is gone", flow="prices", connector="file", split="a.csv", position=0)
    assert str(error) == "file is gone [flow=prices connector=file split=a.csv position=0]"
    assert str(SourceError("file is gone")) == "file is gone"


def test_at_fills_in_what_is_missing_and_keeps_what_is_known() -> None:
    error = SourceError("gone", split="a.csv", position=0)
    assert error.at(flow="prices", split="b.csv", position=9) is error
    assert error.context == {"flow": "prices", "split": "a.csv", "position": 0}


def test_what_may_pass_is_retried_and_the_rest_is_not() -> None:
    assert {SourceUnavailableError("x").then, SinkUnavailableError("x").then} == {Then.RETRY}
    assert (RecordError("x").then, FencedError("x").then, SourceError("x").then) == (Then.REJECT, Then.STOP, Then.STOP)


def test_one_error_may_say_something_else_without_changing_its_class() -> None:
    assert SourceError("x", then=Then.RETRY).then is Then.RETRY
    assert SourceError("x").then is Then.STOP
