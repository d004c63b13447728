"""The heartbeat runtime is held to the promises of every runtime, with each database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.events import Checkpointed, Event, Events
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.testing import RuntimeHarness, RuntimeSuite
from django_project.setup import close_connections, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat import leases  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.models import DataFlowRun  # noqa: E402
from active_data_flow.runtimes.heartbeat.runtime import HeartbeatRuntime  # noqa: E402


class InProject(RuntimeHarness):
    """Runtimes of one Django project."""

    def runtime(self, events: Events | None = None) -> HeartbeatRuntime:
        return HeartbeatRuntime(events)

    def run_and_stop(self, flow: DataFlow) -> RunResult:
        """By a request to pause it, as someone looking at it in an admin sends."""
        committed = threading.Event()

        def pause() -> None:
            committed.wait(30)
            leases.pause(DataFlowRun.objects.get(flow__name=flow.name, status="in_progress"))
            close_connections()

        def seen(event: Event) -> None:
            if isinstance(event, Checkpointed):
                committed.set()

        other = threading.Thread(target=pause)
        other.start()
        try:
            return self.runtime(Events(seen)).runner(flow).run(Budget(seconds=60))
        finally:
            other.join()


class TestHeartbeat(RuntimeSuite):
    capabilities: ClassVar = frozenset({"endless", "lanes", "stops on request"})
    examples: ClassVar = 5

    @pytest.fixture
    def harness(self, sqlite_database) -> Iterator[RuntimeHarness]:
        return InProject()


@pytest.mark.slow
class TestHeartbeatEverywhere(TestHeartbeat):
    @pytest.fixture
    def harness(self, database) -> Iterator[RuntimeHarness]:
        return InProject()
