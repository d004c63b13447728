"""Cases about runs that fail, wait, or meet each other."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import (
    AlreadyRunningError,
    RejectLimitError,
    SourceError,
    SourceUnavailableError,
)
from active_data_flow.core.policies import ErrorPolicy, RetryPolicy
from active_data_flow.core.run import Budget, RunResult, RunStatus
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.runtime_cases import RuntimeCases, assert_written, run
from active_data_flow.testing.suites.runtime_harness import RuntimeHarness, numbers


class FailureCases(RuntimeCases):
    """Runs that fail, wait, or meet each other."""

    @case(
        purpose="A failed run must say so, and must not cost what was committed.",
        way="Run a flow whose source breaks at its sixth record; mend the source and run it again.",
        passes="A SourceError whose result says FAILED and counts what is committed; then the rest arrives, once.",
        requirement="A failed run raises a typed error; its positions stay at the last checkpoint.",
    )
    def test_a_failing_flow(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": [*numbers(5), "broken"]})
        with pytest.raises(SourceError, match="the script says so") as caught:
            run(harness, flow)
        failed = caught.value.result
        assert failed.status is RunStatus.FAILED
        assert "the script says so" in failed.error
        assert failed.records_written == len(harness.rows(flow))
        again = run(harness, harness.flow({"a": numbers(8)}, name=flow.name))
        assert again.records_written == 8 - failed.records_written
        assert_written(harness, flow, list(range(8)))

    @case(
        purpose="What passes by itself must not wake anybody.",
        way="Run a flow whose source fails twice in a way that passes.",
        passes="The run succeeds and counts the retries; each record is there once.",
        requirement="After an error that may pass the run goes on from its last commit.",
    )
    def test_a_passing_failure(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": [*numbers(3), "unavailable", *numbers(3, 3), "unavailable", *numbers(2, 6)]})
        result = run(harness, flow)
        assert (result.status, result.retries, result.records_written) == (RunStatus.SUCCESS, 2, 8)
        assert_written(harness, flow, list(range(8)))

    @case(
        purpose="What does not pass must not be tried for ever.",
        way="Run a flow with three attempts whose source fails five times without progress.",
        passes="The last error is raised after two retries.",
        requirement="The retry policy limits attempts without progress.",
    )
    def test_attempts_end(self, harness: RuntimeHarness) -> None:
        retry = RetryPolicy(attempts=3, backoff=0.001, max_backoff=0.002)
        flow = harness.flow({"a": ["unavailable"] * 5}, retry=retry)
        with pytest.raises(SourceUnavailableError) as caught:
            run(harness, flow)
        assert (caught.value.result.status, caught.value.result.retries) == (RunStatus.FAILED, 2)

    @case(
        purpose="Bad records are counted and limited, never dropped in silence.",
        way="Run a flow over two bad records among eight that may be rejected, then one with a limit of one.",
        passes="The first counts them; the second fails with a RejectLimitError.",
        requirement="The error policy holds for the whole run.",
    )
    def test_bad_records(self, harness: RuntimeHarness) -> None:
        script = {"a": [*numbers(3), {"n": -1}, *numbers(2, 3), {"n": -2}, *numbers(1, 5)]}
        flow = harness.flow(script, on_error=ErrorPolicy(reject=True))
        result = run(harness, flow)
        assert (result.records_read, result.records_written, result.records_rejected) == (8, 6, 2)
        assert_written(harness, flow, list(range(6)))
        with pytest.raises(RejectLimitError):
            run(harness, harness.flow(script, on_error=ErrorPolicy(reject=True, max_rejects=1)))

    @case(
        purpose="Two runs of one flow at once would read the same positions.",
        way="While a run of an endless flow goes on, start another one of the same flow.",
        passes="The second is refused with AlreadyRunningError or waits; the first is not disturbed; each record is "
        "there once.",
        requirement="One run of a flow at a time.",
        needs=["endless"],
    )
    def test_two_runs_at_once(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": numbers(6)}, endless=True)
        with ThreadPoolExecutor(1) as threads:
            first: Future[RunResult] = threads.submit(run, harness, flow, Budget(seconds=0.7))
            end = time.monotonic() + 30
            while len(harness.rows(flow)) < 6 and not first.done() and time.monotonic() < end:
                time.sleep(0.01)
            second = _run_beside(harness, flow)
            if second is not None:
                assert second.records_written == 0
                assert first.done(), "both ran at once"
            assert first.result().records_written == 6
        assert_written(harness, flow, list(range(6)))

    @case(
        purpose="One flow's trouble must not be another one's.",
        way="Run three flows at once, one of which fails; then run one of them from its start.",
        passes="The others write their records; only the one that begins anew reads again.",
        requirement="Flows share nothing but the runtime.",
    )
    def test_flows_are_independent(self, harness: RuntimeHarness) -> None:
        flows = [harness.flow({"a": numbers(6)}), harness.flow({"a": numbers(6)})]
        failing = harness.flow({"a": [*numbers(3), "broken"]})
        with ThreadPoolExecutor(3) as threads:
            results = [threads.submit(run, harness, flow) for flow in (*flows, failing)]
        assert [result.result().records_written for result in results[:2]] == [6, 6]
        assert isinstance(results[2].exception(), SourceError)
        for flow in flows:
            assert_written(harness, flow, list(range(6)))
        assert run(harness, flows[0], from_start=True).records_read == 6
        assert run(harness, flows[1]).records_read == 0


def _run_beside(harness: RuntimeHarness, flow: DataFlow) -> RunResult | None:
    """The result of another run; None where it was refused."""
    try:
        return run(harness, flow, Budget(until_caught_up=True))
    except AlreadyRunningError:
        return None


__all__ = ["FailureCases"]
