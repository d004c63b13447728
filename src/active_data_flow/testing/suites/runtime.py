"""The suite that every runtime is held to."""

from __future__ import annotations

from active_data_flow.core.run import Budget, RunStatus
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.runtime_cases import RuntimeCases, assert_written, run
from active_data_flow.testing.suites.runtime_failures import FailureCases
from active_data_flow.testing.suites.runtime_harness import RuntimeHarness, numbers


class RunCases(RuntimeCases):
    """Runs that do what they are to do."""

    @case(
        purpose="A flow must be run to the end of its source.",
        way="Run a flow over two splits.",
        passes="The run succeeds, and each record has gone through the flow's own code once.",
        requirement="`Runner.run` runs until the source ends.",
    )
    def test_runs_to_the_end(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": numbers(5), "b": numbers(4, 5)})
        assert run(harness, flow).status is RunStatus.SUCCESS
        assert_written(harness, flow, list(range(9)))

    @case(
        purpose="People and monitors rely on what a run says of itself.",
        way="Run two flows, and look at the results.",
        passes="Name, id, counts, checkpoints, guarantee and target are those of the run.",
        requirement="The result counts what was committed in this run.",
    )
    def test_result(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": numbers(7)})
        first, second = run(harness, flow), run(harness, flow)
        assert first.run_id != second.run_id
        assert {first.flow, second.flow} == {flow.name}
        assert (first.records_read, first.records_written, first.records_rejected) == (7, 7, 0)
        assert (second.records_read, second.records_written, second.bytes_read) == (0, 0, 0)
        assert first.bytes_read > 0
        assert first.checkpoints > 0
        assert first.seconds > 0
        assert first.error is None
        assert first.guarantee == "exactly-once"
        assert first.target

    @case(
        purpose="A finished flow must not do its work again.",
        way="Run a flow twice, each time in a runtime made anew; then with two more records in its source.",
        passes="The second run reads nothing, the third the new records.",
        requirement="A run goes on where the last one stopped.",
        needs=["endless"],
    )
    def test_only_what_is_new_is_read(self, harness: RuntimeHarness) -> None:
        caught_up = Budget(until_caught_up=True)
        flow = harness.flow({"a": numbers(5)}, endless=True)
        assert run(harness, flow, caught_up).records_read == 5
        assert run(harness, flow, caught_up).records_read == 0
        result = run(harness, harness.flow({"a": numbers(7)}, name=flow.name, endless=True), caught_up)
        assert (result.status, result.records_read) == (RunStatus.SUCCESS, 2)
        assert_written(harness, flow, list(range(7)))

    @case(
        purpose="A heartbeat gives each run a little time; no record may be lost or doubled between two of them.",
        way="Run a flow with any sequence of small budgets, then to its end.",
        passes="Each run ends at a checkpoint within a batch of its budget; together they write each record once.",
        requirement="A run whose budget is used up ends at a checkpoint, and the next one goes on.",
    )
    def test_any_budgets(self, harness: RuntimeHarness) -> None:
        from hypothesis import given, settings
        from hypothesis import strategies as st

        @settings(max_examples=self.examples, deadline=None)
        @given(st.lists(st.integers(1, 7), max_size=4), st.integers(0, 12), st.integers(0, 5))
        def holds(budgets: list[int], left: int, right: int) -> None:
            flow = harness.flow({"a": numbers(left), "b": numbers(right, left)})
            written = 0
            for records in budgets:
                result = run(harness, flow, Budget(records=records))
                written += result.records_written
                assert result.status in (RunStatus.PAUSED, RunStatus.SUCCESS)
                assert result.records_read <= records + 1, "more than a batch beyond the budget"
                assert len(harness.rows(flow)) == written
            assert run(harness, flow).records_written == left + right - written
            assert_written(harness, flow, list(range(left + right)))

        holds()

    @case(
        purpose="An endless flow must give its time slice back.",
        way="Run an endless flow for three tenths of a second.",
        passes="The run is paused, and what it has read is committed.",
        requirement="A budget of time ends an endless run at a checkpoint.",
        needs=["endless"],
    )
    def test_a_budget_of_time(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": [*numbers(5), "idle"]}, endless=True)
        result = run(harness, flow, Budget(seconds=0.3))
        assert result.status is RunStatus.PAUSED
        assert result.records_written == len(harness.rows(flow))
        run(harness, flow, Budget(until_caught_up=True))
        assert_written(harness, flow, list(range(5)))

    @case(
        purpose="A deployment stops processes; nothing may be lost or doubled by it.",
        way="Ask an endless run to stop; then run the flow again, with more records in its source.",
        passes="The run says INTERRUPTED, by whom, and what it has committed; in the end each record is there once.",
        requirement="A run that is asked to stop does so at a checkpoint.",
        needs=["stops on request", "endless"],
    )
    def test_a_stop_request(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": numbers(9)}, endless=True)
        result = harness.run_and_stop(flow)
        assert result.status is RunStatus.INTERRUPTED
        assert result.interrupted_by
        assert result.records_written == len(harness.rows(flow)) > 0
        run(harness, harness.flow({"a": numbers(11)}, name=flow.name, endless=True), Budget(until_caught_up=True))
        assert_written(harness, flow, list(range(11)))

    @case(
        purpose="After a fix, everything can be read once more.",
        way="Run a flow, then again from its start.",
        passes="The second run reads all records, and the third none.",
        requirement="`from_start` forgets the positions of earlier runs.",
    )
    def test_from_start(self, harness: RuntimeHarness) -> None:
        flow = harness.flow({"a": numbers(4)})
        run(harness, flow)
        assert run(harness, flow, from_start=True).records_read == 4
        assert run(harness, flow).records_read == 0
        assert sorted(row["n"] for row in harness.rows(flow)) == [0, 0, 1, 1, 2, 2, 3, 3]

    @case(
        purpose="Large flows work in several lanes.",
        way="Run a flow over five splits, one of them empty, in three lanes; again with one lane.",
        passes="Each record is there once, those of a split in their order; the second run reads nothing.",
        requirement="Lanes share the splits; parallelism may change between two runs.",
        needs=["lanes"],
    )
    def test_several_lanes(self, harness: RuntimeHarness) -> None:
        script = {"abcde"[split]: numbers(split * 3, split * 100) for split in range(5)}
        flow = harness.flow(script, parallelism=3)
        assert run(harness, flow).records_written == 30
        assert run(harness, harness.flow(script, name=flow.name)).records_read == 0
        found = [row["n"] for row in harness.rows(flow)]
        for split, steps in enumerate(script.values()):
            assert [number for number in found if number // 100 == split] == [step["n"] for step in steps]


class RuntimeSuite(RunCases, FailureCases):
    """The promises of a runtime as pytest tests: subclass it, say what it can do, and give it a `RuntimeHarness`.

    The harness is a pytest fixture of that name. Property tests need hypothesis.

    ``endless``
        Flows whose source never ends can be run, within a budget.
    ``lanes``
        Several lanes of a flow run at once.
    ``stops on request``
        A run can be asked to stop; the harness says how.

    Example:
        >>> class TestLocal(RuntimeSuite):
        ...     capabilities = frozenset({"endless", "lanes"})
        ...
        ...     @pytest.fixture
        ...     def harness(self, tmp_path):
        ...         return Local(tmp_path)
    """


__all__ = ["RunCases", "RuntimeSuite"]
