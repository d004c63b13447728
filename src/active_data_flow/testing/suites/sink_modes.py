"""Cases that hold for one way of writing only: two-phase, idempotent, upsert, replace."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from active_data_flow.core.sink import TwoPhaseWriter
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.sink_cases import SinkCases, assert_numbered, assert_rows, ids
from active_data_flow.testing.suites.sink_harness import SinkHarness
from active_data_flow.testing.suites.sink_run import NUMBERED, SinkRun, SuiteStore, numbered


class TwoPhaseCases(SinkCases):
    """Prepared, decided, carried out."""

    @case(
        purpose="A prepared commit whose decision was never saved must leave no trace.",
        way="Prepare and look; kill the run before the decision is saved; let another run write other rows and commit.",
        passes="Nothing is visible after the prepare, and in the end the second run's rows alone are.",
        requirement="`prepare` makes rows durable, not visible; `restore` cleans up what was never decided.",
        needs=["two-phase", "append"],
    )
    def test_an_undecided_prepare_leaves_nothing(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        run = SinkRun(harness, sink, store).write(numbered(100, 3))
        run.kill("before-save")
        if "isolated" in self.capabilities:
            assert ids(harness, sink) == []
        SinkRun(harness, sink, store).write(numbered(0, 2)).end()
        assert_numbered(harness, sink, 2)
        assert not harness.leftovers(sink)

    @case(
        purpose="A decision that was saved must be carried out, however often the process dies on the way.",
        way="Kill a run after its decision is saved, and the next before it is marked; then start a third.",
        passes="The rows are there once.",
        requirement="A saved decision is carried out by the next run.",
        needs=["two-phase", "append"],
    )
    def test_a_decision_is_carried_out(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        SinkRun(harness, sink, store).write(numbered(0, 3)).kill("after-save")
        again = SinkRun(harness, sink, store)
        assert again.position == 3
        assert_numbered(harness, sink, 3)
        again.write(numbered(3, 2)).kill("before-mark")
        SinkRun(harness, sink, store).end()
        assert_numbered(harness, sink, 5)

    @case(
        purpose="The decision is kept as JSON, in a store that knows nothing of the sink.",
        way="Prepare twice; send the committables through JSON.",
        passes="They are unchanged, and each has an id of its own that no other one has.",
        requirement="Committables are JSON-safe and idempotent by their `id`.",
        needs=["two-phase"],
    )
    def test_committables_survive_json(self, harness: SinkHarness) -> None:
        run = SinkRun(harness, harness.sink(NUMBERED))
        seen: list[str] = []
        for start in (0, 2):
            run.write(numbered(start, 2))
            run.writer.flush()
            assert isinstance(run.writer, TwoPhaseWriter)
            committables = run.writer.prepare()
            assert committables, "rows were written, but nothing was prepared"
            assert json.loads(json.dumps(committables, allow_nan=False)) == committables
            seen += [item["id"] for item in committables]
        assert len(set(seen)) == len(seen), seen
        run.kill()

    @case(
        purpose="After a crash the same committables come again.",
        way="Commit the same committables three times, the last time with a new committer.",
        passes="The rows are there once.",
        requirement="`Committer.commit` is idempotent.",
        needs=["two-phase"],
    )
    def test_a_commit_may_come_again(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        run = SinkRun(harness, sink).write(numbered(0, 4))
        run.writer.flush()
        assert isinstance(run.writer, TwoPhaseWriter)
        committables = run.writer.prepare()
        committer = sink.committer(run.context())
        committer.commit(committables)
        committer.commit(committables)
        committer.close()
        sink.committer(run.context()).commit(committables)
        run.close()
        assert_numbered(harness, sink, 4)


class ModeCases(SinkCases):
    """Idempotent, upsert, replace."""

    @case(
        purpose="A killed run writes some rows again.",
        way="Any sequence of writes, commits and kills; each run begins behind the last commit; the last writes all.",
        passes="Each row is there once.",
        requirement="Writing the same rows again changes nothing.",
        needs=["idempotent"],
    )
    def test_writing_again_changes_nothing(self, harness: SinkHarness) -> None:
        from hypothesis import given, settings
        from hypothesis import strategies as st

        steps = st.lists(
            st.tuples(st.integers(1, 5), st.sampled_from(["go on", "commit", "kill", "close"])), max_size=10
        )

        @settings(max_examples=self.examples, deadline=None)
        @given(steps)
        def holds(plan: list[tuple[int, str]]) -> None:
            sink, store = harness.sink(NUMBERED), SuiteStore()
            run = SinkRun(harness, sink, store)
            for rows, then in [*plan, (3, "kill"), (3, "commit")]:
                run.write(numbered(run.position, rows))
                run.writer.flush()
                if then == "commit":
                    run.commit()
                elif then != "go on":
                    run.close() if then == "close" else run.kill()
                    run = SinkRun(harness, sink, store)
            run.end()
            reached = max(ids(harness, sink))
            assert_numbered(harness, sink, reached + 1)

        holds()

    @case(
        purpose="A changed record must change its row.",
        way="Write rows with keys that are there, in one batch, in another batch, and in another run.",
        passes="Each key is there once, with the values that came last.",
        requirement="Upsert changes the row with the same key, or adds one; the last one wins.",
        needs=["upsert"],
    )
    def test_the_last_row_of_a_key_wins(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        run = SinkRun(harness, sink, store)
        run.write(_rows({0: "old", 1: "old"}, {0: "newer"})).write(_rows({1: "newer", 2: "old"})).end()
        SinkRun(harness, sink, store).write(_rows({2: "newest", 3: None})).end()
        assert_rows(harness, sink, _rows({0: "newer", 1: "newer", 2: "newest", 3: None}))

    @case(
        purpose="Readers of a table that is replaced must see the old or the new, never half.",
        way="Fill the place; fill it again in two commits, looking before the end.",
        passes="Before the end the old rows are there, then the new ones alone.",
        requirement="A replacement takes the old rows' place as a whole, at the end of the run.",
        needs=["replace"],
    )
    def test_a_replacement_is_whole(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        SinkRun(harness, sink, store).write(numbered(100, 3)).end()
        run = SinkRun(harness, sink, store).write(numbered(0, 2))
        run.writer.flush()
        assert ids(harness, sink) == [100, 101, 102]
        run.write(numbered(2, 1)).end()
        assert_numbered(harness, sink, 3)

    @case(
        purpose="A replacement that is given up must not harm what is there.",
        way="Fill the place; begin to fill it again, and kill the run; then fill it in a run that is reset.",
        passes="The old rows stay until the last run has ended; then only its rows are there.",
        requirement="Until a replacement is complete the old rows stay.",
        needs=["replace"],
    )
    def test_a_killed_replacement_changes_nothing(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        run = SinkRun(harness, sink, store)
        run.write(numbered(100, 3)).end()
        run = SinkRun(harness, sink, store).write(numbered(200, 2))
        run.writer.flush()
        run.kill()
        assert ids(harness, sink) == [100, 101, 102]
        sink.reset(store.flow)
        SinkRun(harness, sink, flow=store.flow).write(numbered(0, 2)).end()
        assert_numbered(harness, sink, 2)


def _rows(*values: dict[int, Any]) -> pa.RecordBatch:
    pairs = [pair for part in values for pair in part.items()]
    return pa.record_batch([pa.array([key for key, _ in pairs], pa.int64()), [text for _, text in pairs]], NUMBERED)


__all__ = ["ModeCases", "TwoPhaseCases"]
