"""The local runtime is held to its promises, with lanes in threads and in processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from active_data_flow.core.data_flow import DataFlow, Lanes
from active_data_flow.core.events import Checkpointed, Event, Events
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.runtimes.local import LocalRuntime
from active_data_flow.testing import RuntimeHarness, RuntimeSuite


class Local(RuntimeHarness):
    """Runtimes that share a folder."""

    def __init__(self, folder: Path, lanes: Lanes) -> None:
        super().__init__()
        self.folder, self.lanes = folder, lanes
        self.made: list[LocalRuntime] = []

    def runtime(self, events: Events | None = None) -> LocalRuntime:
        self.made.append(LocalRuntime(self.folder, events=events))
        return self.made[-1]

    def run_and_stop(self, flow: DataFlow) -> RunResult:
        """By the signal that a supervisor sends."""

        def stop(event: Event) -> None:
            if isinstance(event, Checkpointed):
                os.kill(os.getpid(), signal.SIGTERM)

        ignored = signal.signal(signal.SIGTERM, lambda *_: None)  # for one that comes after the run's end
        try:
            return self.runtime(Events(stop)).runner(flow).run(Budget(seconds=60))
        finally:
            signal.signal(signal.SIGTERM, ignored)

    def close(self) -> None:
        for runtime in self.made:
            runtime.close()


class TestThreads(RuntimeSuite):
    capabilities: ClassVar = frozenset({"endless", "lanes", "stops on request"})
    lanes: ClassVar[Lanes] = "threads"

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[RuntimeHarness]:
        harness = Local(tmp_path, self.lanes)
        yield harness
        harness.close()


@pytest.mark.slow  # each run starts processes
class TestProcesses(TestThreads):
    lanes: ClassVar = "processes"
    examples: ClassVar = 1
