"""Cases: wherever a run stops, the next one goes on there."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.source_support import IDLE, SplitSource
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.source.cases import SourceCases
from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.replay import Reading
from active_data_flow.testing.suites.source.tables import numbered, parts, rows_in, rows_of, same

_quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


class ResumingCases(SourceCases):
    """Several runs over a store."""

    @case(
        purpose="A checkpoint holds positions of records that were never given out, or forgets splits.",
        way="Take the reader's snapshot before, between and behind the batches of three parts.",
        passes="It has the reader's unfinished splits, each with the position of its last batch.",
        requirement="A snapshot holds the splits not read to their end, with the position up to which batches came.",
    )
    def test_snapshots_agree_with_batches(self, harness: SourceHarness) -> None:
        harness.store(*parts(5, 0, 4))
        with self.reading(self.source(harness, poll_rows=2), lanes=2) as reading:
            for _ in reading.batches():
                for lane, reader in enumerate(reading.readers):
                    expected = {name: reading.positions.get(name) for name in reading.of(lane)}
                    found = {split.split_id: position for split, position in reader.snapshot()}
                    assert found == expected, f"reader {lane} has given out {expected}, and its snapshot is {found}"

    @case(
        purpose="A run that goes on where another stopped loses or doubles records.",
        way="Take a snapshot behind every batch, for several sizes of batches; read on from each.",
        passes="What was read before and after make each record once.",
        requirement="A reader goes on at any position that a snapshot has held.",
        needs=["resumable"],
    )
    def test_resume_from_each_snapshot(self, harness: SourceHarness) -> None:
        stored = parts(4, 3)
        harness.store(*stored)
        for poll_rows in (1, 2, 3, None):
            source = self.source(harness, poll_rows=poll_rows)
            moments = _moments(self.reading(source))
            assert len(moments) > 4 or poll_rows != 1, (
                f"7 records came in {len(moments)} batches, though poll_rows is 1: resuming is not tried by that"
            )
            for states, before in moments[:-1]:  # behind the last one, some sources begin anew
                same(rows_of(stored), before + rows_in(self.batches(source, states)))

    @case(
        purpose="Some history of stopped runs loses or doubles records.",
        way="Property test: parts, size of batches, number of readers and batches of each run are drawn.",
        passes="Whatever the history, each record is committed once.",
        requirement="Runs go on at committed positions, which have been through JSON.",
        needs=["resumable"],
    )
    def test_any_history_of_runs(self, harness: SourceHarness) -> None:
        @settings(max_examples=self.examples, deadline=None, suppress_health_check=_quiet)
        @given(
            sizes=st.lists(st.integers(0, 9), min_size=1, max_size=3),
            poll_rows=st.integers(1, 4),
            runs=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=5),
        )
        def history(sizes: list[int], poll_rows: int, runs: list[tuple[int, int]]) -> None:
            stored = parts(*sizes)
            harness.store(*stored)
            source = self.source(harness, poll_rows=poll_rows)
            replay = self.replay()
            for replay.lanes, stop_after in runs:
                replay.run(source, stop_after=stop_after)
                if replay.ended:
                    break
            else:
                replay.run(source)
            same(rows_of(stored), replay.rows)

        history()

    @case(
        purpose="Changing a flow's parallelism loses or doubles records.",
        way="Stop runs of one and of three readers behind each batch; go on with three and with one.",
        passes="Each record is committed once.",
        requirement="Positions are those of splits, whatever the number of readers.",
        needs=["resumable", "splittable"],
    )
    def test_restart_with_other_parallelism(self, harness: SourceHarness) -> None:
        stored = parts(4, 2, 3)
        harness.store(*stored)
        source = self.source(harness, poll_rows=2)
        for before, after in ((1, 3), (3, 1)):
            for stop_after in count(1):
                replay = self.replay(before)
                replay.run(source, stop_after=stop_after)
                if replay.ended:
                    break
                replay.lanes = after
                replay.run(source)
                same(rows_of(stored), replay.rows)

    @case(
        purpose="What a failed reader had is lost with it.",
        way="Let one of two readers fail behind its first batch; give its splits back, and let another replace it.",
        passes="Each record is committed once.",
        requirement="`add_splits_back` gives the splits of a failed reader out again.",
        needs=["splittable"],
    )
    def test_splits_of_a_failed_reader(self, harness: SourceHarness) -> None:
        stored = parts(5, 4, 3)
        harness.store(*stored)
        replay, held = self.replay(2), dict[str, list[Batch]]()
        failed = False
        with self.reading(self.source(harness, poll_rows=2), lanes=2) as reading:
            for batch in reading.batches():
                replay.commit(reading, batch, held)
                if not failed and reading.owners.get(batch.split_id) == 0:
                    failed = True
                    for name in reading.of(0):
                        held.pop(name, None)
                    reading.fail(0)
        assert failed, "reader 0 was given no split that takes more than one batch"
        same(rows_of(stored), replay.rows)

    @case(
        purpose="What is stored of a run can't be read again, or means something else.",
        way="Send each split and position through JSON, and read on in the middle with splits from bytes.",
        passes="Both are what they were before; each record comes once.",
        requirement="Positions are JSON values; splits survive their serializer.",
    )
    def test_positions_and_splits_survive_json(self, harness: SourceHarness) -> None:
        stored = parts(4, 4)
        harness.store(*stored)
        source = self.source(harness, poll_rows=3)
        serializer = source.split_serializer()
        with self.reading(source, serialized=True, lanes=2) as reading:
            batches = list(reading.batches())
        same(rows_of(stored), rows_in(batches))
        for batch in batches:
            again = json.loads(json.dumps(batch.position))
            assert again == batch.position, f"position {batch.position!r} comes out of JSON as {again!r}"
        for name, split in reading.splits.items():
            again = serializer.from_json(json.loads(json.dumps(serializer.to_json(split))))
            assert again == split, f"split {split!r} comes out of JSON as {again!r}"
            assert again.split_id == name, f"split {name} comes out of JSON as {again.split_id}"

    @case(
        purpose="What is added later is never read, or everything is read again.",
        way="Read, read again, append, and read twice more, the first time with a stop after one batch.",
        passes="Each record is committed once, and runs without news commit nothing.",
        requirement="A run reads what is behind the positions of the runs before.",
        needs=["incremental"],
    )
    def test_only_news_is_read(self, harness: SourceHarness) -> None:
        harness.store(numbered(5))
        source, replay = self.source(harness, poll_rows=2), self.replay()
        replay.run(source)
        assert replay.run(source) == [], "a second run, with nothing new, reads records again"
        harness.append(numbered(4, first=5))
        replay.run(source, stop_after=1)
        replay.run(source)
        same(numbered(9).to_pylist(), replay.rows)
        assert replay.run(source) == [], "a last run, with nothing new, reads records again"

    @case(
        purpose="A run of an endless source ends, blocks, or spins at the end of what is there.",
        way="Read all that is stored, then poll on.",
        passes="Each record comes once; polls answer IDLE, and none takes longer than `longest_poll`.",
        requirement="A reader of an endless source answers IDLE while there is nothing.",
        needs=["endless"],
    )
    def test_idle_source(self, harness: SourceHarness) -> None:
        stored = numbered(5)
        harness.store(stored)
        with self.reading(self.source(harness, poll_rows=2, endless=True)) as reading:
            same(stored.to_pylist(), rows_in(reading.batches()))
            answers = {reading.poll(0) for _ in range(20)}
        assert answers == {IDLE}, f"where nothing is left, polls answer {answers}"
        taken = reading.longest_poll
        assert taken <= self.longest_poll, f"a poll took {taken:.2f} s, and may take {self.longest_poll} s"

    @case(
        purpose="A source that is followed does not see what is added.",
        way="Read all that is stored; append while the source waits, twice.",
        passes="What is appended comes, once.",
        requirement="An endless source gives what is added while it runs.",
        needs=["endless", "incremental"],
    )
    def test_news_while_idle(self, harness: SourceHarness) -> None:
        harness.store(numbered(3))
        with self.reading(self.source(harness, poll_rows=2, endless=True)) as reading:
            rows = rows_in(reading.batches())
            for first in (3, 5):
                harness.append(numbered(2, first=first))
                rows += rows_in(reading.batches())
        same(numbered(7).to_pylist(), rows)


def _moments(reading: Reading) -> list[tuple[dict[str, SplitState], list[dict[str, Any]]]]:
    """What a checkpoint would hold before and behind each batch of a run, and the rows that came till then."""
    rows: list[dict[str, Any]] = []
    moments: list[tuple[dict[str, SplitState], list[dict[str, Any]]]] = [({}, [])]
    finished: dict[str, SplitState] = {}
    with reading:
        for batch in reading.batches():
            rows += rows_in([batch])
            if batch.finished:
                finished[batch.split_id] = reading.state(batch.split_id, finished=True)
            moments.append((finished | _begun(reading.source, reading), list(rows)))
    return moments


def _begun(source: SplitSource, reading: Reading) -> dict[str, SplitState]:
    serializer = source.split_serializer()
    return {
        split.split_id: SplitState(serializer.to_json(split), position)
        for reader in reading.readers
        for split, position in reader.snapshot()
        if position is not None
    }


__all__ = ["ResumingCases"]
