"""The heartbeat runtime as any other: a flow run at once, with checkpoints and records in the project's database."""

from __future__ import annotations

from typing import ClassVar

from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.django_setup import set_up_django
from active_data_flow.core.events import Events
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.core.runtime import Runner, Runtime


class HeartbeatRuntime(Runtime):
    """The Django project of this process, with checkpoints, runs and rejected records in its database.

    Args:
        events: Told of what happens in runs.
        clock: The time as runs see it; a test gives a `FakeClock`.

    Raises:
        ConfigurationError: There is no Django project, or it lacks the app.
    """

    type: ClassVar[str] = "heartbeat"

    def __init__(self, events: Events | None = None, clock: Clock = CLOCK) -> None:
        set_up_django("heartbeat runtime")
        self.events = events or Events()
        self.clock = clock

    def runner(self, flow: DataFlow) -> HeartbeatRunner:
        """The thing that runs this flow here."""
        return HeartbeatRunner(flow, self)


class HeartbeatRunner(Runner):
    """Runs one flow at once, whether or not it is due.

    Args:
        flow: The flow. One that has no record gets one, disabled: the heartbeat does not run it.
        runtime: Where it runs.
    """

    def __init__(self, flow: DataFlow, runtime: HeartbeatRuntime) -> None:
        self._flow = flow
        self._runtime = runtime

    def run(self, budget: Budget, *, from_start: bool = False) -> RunResult:
        """Run the flow; cancelling or pausing its run stops it at a checkpoint.

        Raises:
            AlreadyRunningError: Another run of the flow goes on, here or elsewhere.
            ActiveDataFlowError: The run failed; its `result` says what had been committed.
        """
        from active_data_flow.runtimes.heartbeat.claiming import claim
        from active_data_flow.runtimes.heartbeat.database import DatabaseThread
        from active_data_flow.runtimes.heartbeat.models import Trigger
        from active_data_flow.runtimes.heartbeat.records import record_of
        from active_data_flow.runtimes.heartbeat.working import work_on

        with DatabaseThread() as thread:
            record = thread.call(record_of, self._flow)
            run = thread.call(claim, record, Trigger.MANUAL.value, None)
            return work_on(
                run,
                budget,
                thread=thread,
                flow=self._flow,
                events=self._runtime.events,
                go_on=False,
                from_start=from_start,
                clock=self._runtime.clock,
            )


__all__ = ["HeartbeatRunner", "HeartbeatRuntime"]
