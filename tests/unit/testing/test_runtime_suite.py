"""The runtime's suite: a correct runtime passes, and for each case there is a broken one that it finds."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.events import Checkpointed, Event, Events
from active_data_flow.core.policies import ErrorPolicy, RetryPolicy
from active_data_flow.core.run import Budget, RunResult, RunStatus
from active_data_flow.core.runtime import Runner, Runtime
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.engine.stores.memory import MemoryStore
from active_data_flow.testing import RuntimeHarness, RuntimeSuite


class MemoryRuntime(Runtime):
    """Runs flows in this process and remembers as long as its store lives; its parts can be broken one by one."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.stop = Stop()
        self.events = Events()

    def runner(self, flow: DataFlow) -> Runner:
        return MemoryRunner(self, self.changed(flow))

    def changed(self, flow: DataFlow) -> DataFlow:
        return flow

    def locked(self, flow: DataFlow) -> Any:
        return self.store.acquire(flow.name)

    def allowed(self, budget: Budget) -> Budget:
        return budget

    def forget(self, flow: DataFlow) -> None:
        flow.sink.reset(flow.name)
        self.store.reset(flow.name)

    def told(self, result: RunResult) -> RunResult:
        return result


class MemoryRunner(Runner):
    def __init__(self, runtime: MemoryRuntime, flow: DataFlow) -> None:
        self.runtime, self.flow = runtime, flow

    def run(self, budget: Budget, *, from_start: bool = False) -> RunResult:
        runtime = self.runtime
        with runtime.locked(self.flow):
            if from_start:
                runtime.forget(self.flow)
            coordinator = Coordinator(self.flow, runtime.store, runtime.events, runtime.stop)
            return runtime.told(coordinator.run(runtime.allowed(budget)))


class Memory(RuntimeHarness):
    def __init__(self, kind: type[MemoryRuntime]) -> None:
        super().__init__()
        self.kind, self.store = kind, MemoryStore()

    def runtime(self) -> MemoryRuntime:
        return self.kind(self.store)

    def run_and_stop(self, flow: DataFlow) -> RunResult:
        runtime = self.runtime()

        def stop(event: Event) -> None:
            if isinstance(event, Checkpointed):
                runtime.stop.interrupt("a test")

        runtime.events.subscribe(stop)
        return runtime.runner(flow).run(Budget(seconds=30))


class TestMemoryRuntime(RuntimeSuite):
    capabilities: ClassVar = frozenset({"endless", "lanes", "stops on request"})

    @pytest.fixture
    def harness(self) -> RuntimeHarness:
        return Memory(MemoryRuntime)


BROKEN: dict[str, type[MemoryRuntime]] = {}
"""Name of a case -> a runtime that it finds."""


def broken(case: str, **methods: Any) -> None:
    BROKEN[case] = type("Broken", (MemoryRuntime,), methods)


def _copy(flow: DataFlow, **changes: Any) -> DataFlow:
    """The flow with other policies."""
    parts = {"source": flow.source, "sink": flow.sink, "name": flow.name, "on_error": flow.on_error}
    parts |= {"parallelism": flow.parallelism, "retry": flow.retry, "checkpoint": flow.checkpoint}
    return type(flow)(**parts | changes)


class _Swallowing(MemoryRunner):
    def run(self, budget: Budget, *, from_start: bool = False) -> RunResult:
        try:
            return super().run(budget, from_start=from_start)
        except ActiveDataFlowError as error:
            return error.result


def _swallow(self: MemoryRuntime, flow: DataFlow) -> Runner:
    return _Swallowing(self, flow)


class _OneForAll(MemoryRuntime):
    """Forgets more than it is asked to."""

    def forget(self, flow: DataFlow) -> None:
        for name in list(self.store._splits):
            flow.sink.reset(name)
            self.store.reset(name)
            _reset_all(name)


def _reset_all(name: str) -> None:
    from active_data_flow.testing import places

    for place in places._places.values():
        place.splits.pop(name, None)


def _paused_only(self: MemoryRuntime, result: RunResult) -> RunResult:
    return replace(result, status=RunStatus.PAUSED)


def _more_each_time(self: MemoryRuntime, result: RunResult) -> RunResult:
    return replace(result, records_read=result.records_read + 1)


def _one_split_only(self: MemoryRuntime, flow: DataFlow) -> DataFlow:
    if flow.parallelism == 1:
        return flow
    script = dict(list(flow.source.script.items())[: flow.parallelism])
    return _copy(flow, source=flow.source.model_copy(update={"script": script}))


def _reads_again(self: MemoryRuntime, flow: DataFlow) -> Any:
    MemoryRuntime.forget(self, flow)
    return self.store.acquire(flow.name)


broken("test_runs_to_the_end", told=_paused_only)
broken("test_result", told=_more_each_time)
broken("test_only_what_is_new_is_read", locked=_reads_again)
broken("test_any_budgets", allowed=lambda self, budget: Budget())
broken("test_a_budget_of_time", allowed=lambda self, budget: replace(budget, until_caught_up=True))
broken("test_a_stop_request", told=lambda self, result: replace(result, interrupted_by=None))
broken("test_from_start", forget=lambda self, flow: self.store.reset(flow.name))
broken("test_several_lanes", changed=_one_split_only)
broken("test_a_failing_flow", runner=_swallow)
broken("test_a_passing_failure", changed=lambda self, flow: _copy(flow, retry=RetryPolicy(attempts=1)))
broken("test_attempts_end", changed=lambda self, flow: _copy(flow, retry=RetryPolicy(attempts=9, backoff=0.001)))
broken("test_bad_records", changed=lambda self, flow: _copy(flow, on_error=ErrorPolicy(reject=True)))
broken("test_two_runs_at_once", locked=lambda self, flow: nullcontext())
broken("test_flows_are_independent", forget=_OneForAll.forget)


@pytest.mark.parametrize("case", BROKEN)
def test_each_case_finds_a_broken_runtime(case: str) -> None:
    before = settings.get_current_profile_name()
    settings.register_profile("finding", settings.get_profile(before), phases=[Phase.generate])
    settings.load_profile("finding")
    try:
        with pytest.raises((Exception, pytest.fail.Exception)):
            getattr(TestMemoryRuntime(), case)(Memory(BROKEN[case]))
    finally:
        settings.load_profile(before)


def test_each_case_has_its_broken_runtime() -> None:
    assert set(BROKEN) == set(TestMemoryRuntime.cases())
