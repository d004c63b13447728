"""Cases about commits: what is committed is there once, what is not is nowhere, whoever is killed when."""

from __future__ import annotations

from typing import Any

import pytest

from active_data_flow.core.errors import FencedError
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.sink_cases import SinkCases, assert_numbered, ids
from active_data_flow.testing.suites.sink_harness import SinkHarness
from active_data_flow.testing.suites.sink_run import MOMENTS, NUMBERED, SinkRun, SuiteStore, numbered

POSITIONS: dict[str, Any] = {
    "é/split": {"offset": 10, "file": "å.csv"},
    "x" * 700: [1, None, "a", 0.5],
    "zero": 0,
    "text": "2013-01-01T00:00:00Z",
    "big": 2**62,
}


class CommitCases(SinkCases):
    """What is committed is there once; what is not is nowhere."""

    @case(
        purpose="The engine closes writers again where an error came in between.",
        way="Close a writer twice: after a commit, with rows that were not committed, and without a single row.",
        passes="The second call does nothing.",
        requirement="`Writer.close` may be called twice.",
    )
    def test_close_twice(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        for step in range(3):
            run = SinkRun(harness, sink, store)
            if step < 2:
                run.write(numbered(run.position, 2))
            if step == 0:
                run.commit()
            run.writer.close()
            run.close()

    @case(
        purpose="A failed run must leave nothing that the next one writes again.",
        way="Commit three rows; write and flush three more; close without a commit; look, then write them again.",
        passes="First there are three rows, in the end six.",
        requirement="What was not committed is rolled back when the writer closes.",
        needs=["exactly-once", "append"],
    )
    def test_rollback(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        run = SinkRun(harness, sink, store).write(numbered(0, 3)).commit().write(numbered(3, 3))
        run.writer.flush()
        run.close()
        assert_numbered(harness, sink, 3)
        run = SinkRun(harness, sink, store)
        assert run.position == 3
        run.write(numbered(3, 3)).end()
        assert_numbered(harness, sink, 6)

    @case(
        purpose="Readers must not see rows that may be taken back.",
        way="Write and flush rows, and look before the commit; kill the run, and look again.",
        passes="Nothing is visible.",
        requirement="Rows become visible with their commit.",
        needs=["exactly-once", "isolated"],
    )
    def test_nothing_visible_before_the_commit(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        run = SinkRun(harness, sink).write(numbered(0, 3))
        run.writer.flush()
        assert ids(harness, sink) == []
        run.kill()
        assert ids(harness, sink) == []

    @case(
        purpose="Whatever happens to a run, and when, the sink must hold exactly what counts as read.",
        way=(
            "Any sequence of writes, flushes, commits, closes and kills, also in the middle of a commit; "
            "after each close and kill a new run goes on from the position that it is given."
        ),
        passes="Each run finds a position not before the last commit, and at the end each row up to it is there once.",
        requirement="Rows and positions agree after every crash.",
        needs=["exactly-once", "append"],
    )
    def test_any_kills(self, harness: SinkHarness) -> None:
        from hypothesis import given, settings

        @settings(max_examples=self.examples, deadline=None)
        @given(_plans())
        def holds(plan: list[tuple[str, Any]]) -> None:
            sink = harness.sink(NUMBERED)
            position = _play(harness, sink, plan)
            assert_numbered(harness, sink, position)
            assert not harness.leftovers(sink)

        holds()

    @case(
        purpose="Positions are whatever a source makes of them; they must come back as they were.",
        way="Commit positions of all JSON types, with long and odd names of splits, in two commits; start a new run.",
        passes="The new run gets all of them, with the newest state of each.",
        requirement="The sink keeps positions as JSON, split by split.",
        needs=["transactional"],
    )
    def test_positions_come_back(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        first = SinkRun(harness, sink)
        first.write(numbered(0, 1)).commit(POSITIONS).write(numbered(1, 1)).commit({"zero": 5}).close()
        again = SinkRun(harness, sink, flow=first.flow)  # with a store that knows nothing
        again.close()
        assert again.splits == first.splits
        assert again.epoch > first.epoch
        kept = sink.positions(first.flow)
        assert kept is not None
        assert kept.splits == first.splits

    @case(
        purpose="Two flows that write to one place must not take each other's positions.",
        way="Let two flows commit to one place, then reset one of them.",
        passes="Each has its own positions; after the reset one has none, and all rows are still there.",
        requirement="Positions are kept by flow; `reset` forgets those of one flow and no data.",
        needs=["transactional", "append"],
    )
    def test_positions_of_flows(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        stores = SuiteStore(), SuiteStore()
        assert sink.positions(stores[0].flow) is None
        SinkRun(harness, sink, stores[0]).write(numbered(0, 2)).end()
        SinkRun(harness, sink, stores[1]).write(numbered(2, 3)).end()
        sink.reset(stores[0].flow)
        one, two = (SinkRun(harness, sink, flow=store.flow) for store in stores)
        one.close()
        two.close()
        assert one.splits == {}
        assert two.position == 3
        assert_numbered(harness, sink, 5)

    @case(
        purpose="A run that was thought dead must not write any more once another has taken over.",
        way="Open a run; let a second take over and commit; then let the first write and commit.",
        passes="The first is refused with FencedError, nothing of it is there, and the second goes on.",
        requirement="A newer run fences off the older ones.",
        needs=["exactly-once", "append"],
    )
    def test_a_zombie_is_refused(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        SinkRun(harness, sink, store).write(numbered(0, 1)).end()
        zombie = SinkRun(harness, sink, store)
        second = SinkRun(harness, sink, store).write(numbered(1, 1)).commit()
        with pytest.raises(FencedError):
            zombie.write(numbered(100, 2)).commit()
        zombie.close()
        second.write(numbered(2, 1)).end()
        assert_numbered(harness, sink, 3)

    @case(
        purpose="A run may be overtaken in the middle of its work.",
        way="Let a run write and flush; let a second take over and commit; then let the first commit.",
        passes="The first is refused with FencedError, nothing of it is there, and the second goes on.",
        requirement="A newer run fences off the older ones, whatever they have under way.",
        needs=["exactly-once", "append", "takeover"],
    )
    def test_a_zombie_at_work_is_refused(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        SinkRun(harness, sink, store).write(numbered(0, 1)).end()
        zombie = SinkRun(harness, sink, store).write(numbered(100, 2))
        zombie.writer.flush()
        second = SinkRun(harness, sink, store).write(numbered(1, 1)).commit()
        with pytest.raises(FencedError):
            zombie.write(numbered(102, 1)).commit()
        zombie.close()
        second.write(numbered(2, 1)).end()
        assert_numbered(harness, sink, 3)

    @case(
        purpose="Lanes of one run write at the same time.",
        way="Let four lanes write and commit splits of their own, several times, each in a thread.",
        passes="Each row is there once, and the next run finds the position of each lane.",
        requirement="As many writers may be open as `max_writers` says.",
        needs=["many writers", "append"],
    )
    def test_many_writers(self, harness: SinkHarness) -> None:
        from concurrent.futures import ThreadPoolExecutor

        sink, store = harness.sink(NUMBERED), SuiteStore()
        first = SinkRun(harness, sink, store)
        lanes = [first, *(first.lane(number) for number in range(1, 4))]

        def work(lane: int) -> None:
            for step in range(12):
                lanes[lane].write(numbered(lane * 60 + step * 5, 5))
                if step % 4 == 3:
                    lanes[lane].commit()
            lanes[lane].close()

        with ThreadPoolExecutor(len(lanes)) as threads:
            list(threads.map(work, range(len(lanes))))
        assert_numbered(harness, sink, 240)
        if "exactly-once" in self.capabilities:
            again = SinkRun(harness, sink, store)
            again.close()
            assert {name: state.position for name, state in again.splits.items()} == {
                f"split-{number}": 60 for number in range(4)
            }


def _plans() -> Any:
    from hypothesis import strategies as st

    return st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 8)),
            st.tuples(st.sampled_from(["flush", "commit", "close"]), st.none()),
            st.tuples(st.just("kill"), st.sampled_from([None, *MOMENTS])),
        ),
        max_size=14,
    )


def _play(harness: SinkHarness, sink: Any, plan: list[tuple[str, Any]]) -> int:
    """Carry out a plan; the position that a last run finds and ends at."""
    store = SuiteStore()
    run, committed = SinkRun(harness, sink, store), 0
    for action, detail in plan:
        if action == "write":
            run.write(numbered(run.position, detail))
        elif action == "flush":
            run.writer.flush()
        elif action == "commit":
            run.commit()
            committed = run.position
        else:
            run.close() if action == "close" else run.kill(detail)
            run = SinkRun(harness, sink, store)
            assert run.position >= committed
            committed = run.position
    run.kill()
    last = SinkRun(harness, sink, store)
    assert last.position == committed
    last.write(numbered(committed, 1)).end()
    return last.position


__all__ = ["POSITIONS", "CommitCases"]
