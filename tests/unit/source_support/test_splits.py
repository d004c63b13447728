from __future__ import annotations

from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import SourceError
from active_data_flow.source_support import PendingSplits, SplitSerializer
from active_data_flow.source_support.direct import DirectContext
from active_data_flow.testing import ScriptedSource


@dataclass(frozen=True)
class Part:
    name: str
    weight: float = 1.5

    @property
    def split_id(self) -> str:
        return self.name


@given(name=st.text(), weight=st.floats(allow_nan=False))
def test_splits_survive_bytes(name, weight):
    serializer = SplitSerializer(asdict, lambda value: Part(**value))
    part = Part(name, weight)
    assert serializer.deserialize(serializer.serialize(part)) == part


class Parts(PendingSplits[Part]):
    endless = False

    def __init__(self, context, names):
        super().__init__(context)
        self.names = names

    def find(self):
        return [Part(name) for name in self.names]


class Waiting(Parts):
    endless = True


def test_begun_splits_come_first_and_finished_ones_not_at_all():
    restored = {"b": SplitState({}, 5, finished=True), "c": SplitState({}, 3)}
    context = DirectContext(restored)
    enumerator = Parts(context, "abcd")
    enumerator.start()
    for _ in range(4):
        enumerator.handle_split_request(0)
    assert [part.name for part in context.assigned] == ["c", "a", "d"]
    assert context.no_more


def test_splits_of_a_failed_reader_are_given_out_again_first():
    context = DirectContext()
    enumerator = Parts(context, "abc")
    enumerator.start()
    enumerator.handle_split_request(0)
    enumerator.add_splits_back([Part("a")], 0)
    enumerator.handle_split_request(1)
    assert [part.name for part in context.assigned] == ["a", "a"]


def test_a_reader_that_waits_is_served_when_a_split_is_found():
    context = DirectContext()
    enumerator = Waiting(context, "a")
    enumerator.start()
    enumerator.handle_split_request(0)
    enumerator.handle_split_request(0)
    assert (len(context.assigned), context.no_more) == (1, False)
    enumerator.names = "ab"
    enumerator.discover()
    assert [part.name for part in context.assigned] == ["a", "b"]


def test_each_gives_messages_and_raises_what_the_source_raises():
    source = ScriptedSource(script={"a": [{"n": 1}, "broken"]})
    messages = source.each()
    assert dict(next(messages)) == {"n": 1}
    with pytest.raises(SourceError, match="the script says so"):
        next(messages)
