"""Runs flows in this process."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.events import Events
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.core.runtime import Runner, Runtime
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.engine.graceful import graceful
from active_data_flow.engine.stores.records import RunRecord, now
from active_data_flow.engine.stores.sqlite import SqliteStore


class LocalRuntime(Runtime):
    """This process, with checkpoints in a folder.

    Args:
        directory: Where checkpoints, runs and rejected records are kept, in ``state.db``.
        events: Told of what happens in runs.
        wait: Seconds to wait for another run of the same flow to end before it is refused.
        clock: The time as runs see it; a test gives a `FakeClock`.
    """

    type: ClassVar[str] = "local"

    def __init__(
        self,
        directory: str | Path = ".adf",
        events: Events | None = None,
        wait: float = 0.0,
        clock: Clock = CLOCK,
    ) -> None:
        self.directory = Path(directory)
        self.events = events or Events()
        self.wait = wait
        self.clock = clock
        self._store: SqliteStore | None = None

    @property
    def store(self) -> SqliteStore:
        """The store, opened when it is first used."""
        if self._store is None:
            self._store = SqliteStore(self.directory / "state.db", self.clock)
        return self._store

    def runner(self, flow: DataFlow) -> LocalRunner:
        """The thing that runs this flow here."""
        return LocalRunner(flow, self)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()
            self._store = None


class LocalRunner(Runner):
    """Runs one flow in this process.

    Args:
        flow: The flow.
        runtime: Where it keeps its positions.
    """

    def __init__(self, flow: DataFlow, runtime: LocalRuntime) -> None:
        self._flow = flow
        self._runtime = runtime

    def run(self, budget: Budget, *, from_start: bool = False) -> RunResult:
        """Run the flow; SIGINT and SIGTERM stop it at a checkpoint, a second one at once.

        Raises:
            AlreadyRunningError: Another run of the flow goes on.
            ActiveDataFlowError: The run failed; its `result` says what had been committed.
        """
        store = self._runtime.store
        stop = Stop()
        with store.acquire(self._flow.name, wait=self._runtime.wait), graceful(stop.interrupt):
            coordinator = Coordinator(self._flow, store, self._runtime.events, stop, clock=self._runtime.clock)
            if from_start:
                coordinator.forget()
            result = coordinator.result
            store.start_run(RunRecord(result.run_id, result.flow, started=now(self._runtime.clock)))
            try:
                coordinator.run(budget)
            except ActiveDataFlowError:
                store.finish_run(result.run_id, result.status.value, result.to_json())
                raise
            store.finish_run(result.run_id, result.status.value, result.to_json())
            return result


__all__ = ["LocalRunner", "LocalRuntime"]
