from __future__ import annotations

from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import SourceError
from active_data_flow.source_support import END, IDLE, PendingSplits, SplitSerializer
from active_data_flow.source_support.direct import DirectContext, read_batches
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


def rows(batches: list[Batch]) -> list[dict]:
    return [row for batch in batches for row in batch.data.to_pylist()]


@given(sizes=st.lists(st.integers(0, 6), min_size=1, max_size=3), poll_rows=st.integers(1, 4), stop=st.integers(0, 9))
def test_reading_on_from_any_batch_gives_the_rest(sizes, poll_rows, stop):
    script = {f"s{i}": [{"n": 10 * i + j} for j in range(size)] for i, size in enumerate(sizes)}
    source = ScriptedSource(script=script, poll_rows=poll_rows)
    everything = list(read_batches(source))
    first = everything[:stop]
    restored = {batch.split_id: SplitState({}, batch.position, batch.finished) for batch in first}
    rest = list(read_batches(source, restored))
    assert sorted(row["n"] for row in rows(first) + rows(rest)) == sorted(row["n"] for row in rows(everything))


def test_a_snapshot_has_current_and_waiting_splits_with_their_positions():
    source = ScriptedSource(script={"a": [{"n": 1}, {"n": 2}, "idle"], "b": [{"n": 3}]}, poll_rows=1)
    context = DirectContext()
    reader = source.create_reader(context)
    enumerator = source.create_enumerator(context)
    enumerator.start()
    reader.start()
    enumerator.handle_split_request(0)
    assert reader.poll() is IDLE
    from active_data_flow.source_support import AssignedSplit

    reader.add_splits([AssignedSplit(split) for split in context.assigned])
    first = reader.poll()
    assert first.position == 1
    assert [(split.name, position) for split, position in reader.snapshot()] == [("a", 1)]
    reader.close()
    reader.close()
    reader.no_more_splits()
    assert reader.poll() is END


def test_each_gives_messages_and_raises_what_the_source_raises():
    source = ScriptedSource(script={"a": [{"n": 1}, "broken"]})
    messages = source.each()
    assert dict(next(messages)) == {"n": 1}
    with pytest.raises(SourceError, match="the script says so"):
        next(messages)
