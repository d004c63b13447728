"""Cases in which the engine runs a flow into the sink."""

from __future__ import annotations

from typing import Any

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import SourceError
from active_data_flow.core.events import Events
from active_data_flow.core.policies import CheckpointPolicy, RetryPolicy
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.core.sink import Sink
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.testing.scripted import ScriptedSource
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.sink_cases import SinkCases, assert_numbered, ids
from active_data_flow.testing.suites.sink_harness import SinkHarness
from active_data_flow.testing.suites.sink_run import NUMBERED, SuiteStore, numbered


class EngineCases(SinkCases):
    """The engine runs a flow into the sink."""

    @case(
        purpose="A lost connection in the middle of a run must cost nothing.",
        way="Run a flow with a commit behind each batch whose source fails at several batches, and passes on retry.",
        passes="The run succeeds; each row is there, and once where the sink is more than at-least-once.",
        requirement="After an error that passes the run goes on from its last commit.",
    )
    def test_error_in_the_nth_batch(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        rows: list[Any] = numbered(0, 12).to_pylist()
        steps = [*rows[:3], "unavailable", *rows[3:4], "unavailable", *rows[4:12], "unavailable"]
        result = _run(sink, steps, SuiteStore())
        assert result.retries == 3
        assert result.records_written == 12
        self._assert_arrived(harness, sink, 12)

    @case(
        purpose="After an error that stays, what is committed must stay, and the rest must arrive once it is mended.",
        way="Run a flow whose source breaks at its ninth record; mend it, and run the flow again.",
        passes="The first run fails; after the second each row is there, and once where the sink promises more.",
        requirement="The next run goes on from the last commit.",
        needs=["append"],
    )
    def test_goes_on_after_an_error(self, harness: SinkHarness) -> None:
        sink, store = harness.sink(NUMBERED), SuiteStore()
        rows: list[Any] = numbered(0, 14).to_pylist()
        with pytest.raises(SourceError):
            _run(sink, [*rows[:9], "broken"], store)
        if "exactly-once" in self.capabilities:
            assert ids(harness, sink) == list(range(0 if sink.commits_only_at_end else 9))
        _run(sink, rows, store)
        self._assert_arrived(harness, sink, 14)

    def _assert_arrived(self, harness: SinkHarness, sink: Sink, count: int) -> None:
        if self.capabilities & {"exactly-once", "idempotent"}:
            assert_numbered(harness, sink, count)
        else:
            assert set(ids(harness, sink)) == set(range(count))


def _run(sink: Sink, steps: list[Any], store: SuiteStore) -> RunResult:
    flow = DataFlow(
        name=store.flow,
        source=ScriptedSource(script={"a": steps}, poll_rows=3, key=store.flow),
        sink=sink,
        checkpoint=CheckpointPolicy(every=0),
        retry=RetryPolicy(backoff=0.001, max_backoff=0.002),
    )
    return Coordinator(flow, store, Events(), Stop()).run(Budget())


__all__ = ["EngineCases"]
