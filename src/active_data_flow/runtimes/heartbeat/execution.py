"""What becomes of a run that was claimed: worked on here, or given to a queue.

This is the seam for runtimes with workers of their own. Such an app calls `use_executor` when it is ready::

    class JobConfig(AppConfig):
        def ready(self):
            use_executor(QueueExecutor)

From then on `heartbeat` and `DataFlow.trigger_run` give claimed runs to its `execute`, which enqueues their ids; a
worker calls `begin_work_on(run, budget)`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.run import Budget
from active_data_flow.runtimes.heartbeat.claiming import claim
from active_data_flow.runtimes.heartbeat.database import DatabaseThread, reload
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun
from active_data_flow.runtimes.heartbeat.settings import app_settings

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.working import Interruption


class Executor(Protocol):
    """Executes runs that were claimed; made for one heartbeat, and closed at its end."""

    @property
    def handover(self) -> float | None:
        """Seconds, from its claim, within which a pending run has to begin; None: `execute` is given begun ones.

        After them, if it is still pending, a heartbeat gives it to `execute` once more: a task that was lost costs no
        run, and `begin_work_on` sees to it that two tasks don't run it twice. Where `execute` gets it to a queue that
        may take longer, it puts `next_attempt_at` off. Begun runs are this process's own.
        """
        ...

    def execute(self, run: DataFlowRun, budget: Budget) -> None:
        """Execute a run, or have it executed; its record then says how it stands.

        Failures of the flow are recorded, not raised. Called outside of transactions.

        Raises:
            Exception: It could not be executed; it stays pending, and is given to `execute` again after `handover`.
        """
        ...

    def close(self) -> None:
        """Release what the executor holds."""
        ...


class HereExecutor:
    """Works on runs in this thread, one after the other.

    Args:
        interruption: Asks the run that is worked on to stop.
    """

    handover = None

    def __init__(self, interruption: Interruption | None = None) -> None:
        self._interruption = interruption
        self._thread = DatabaseThread()

    def execute(self, run: DataFlowRun, budget: Budget) -> None:
        """Work on the run until it ends or the budget is used up."""
        from active_data_flow.runtimes.heartbeat.working import work_on

        with suppress(ActiveDataFlowError):  # its record says so
            work_on(run, budget, thread=self._thread, interruption=self._interruption)

    def close(self) -> None:
        """Close the connection of the runs."""
        self._thread.close()


Factory = Callable[["Interruption | None"], Executor]
_factories: list[Factory] = [HereExecutor]


def use_executor(factory: Factory) -> None:
    """Have runs executed by what this makes from now on: a class, or a function of the heartbeat's interruption."""
    _factories[:] = [factory]


def make_executor(interruption: Interruption | None = None) -> Executor:
    """The executor that is in use, made anew."""
    return _factories[0](interruption)


def has_workers() -> bool:
    """Whether runs are given to workers of their own, rather than worked on by whoever has them executed."""
    return _factories[0] is not HereExecutor


def trigger_run(flow: DataFlow, trigger: str, *, wait: bool) -> DataFlowRun:
    """See `DataFlow.trigger_run`."""
    if not wait:
        return claim(flow, trigger, 0)
    executor = make_executor()
    try:
        run = claim(flow, trigger, executor.handover)
        executor.execute(run, Budget(seconds=app_settings().run_timeout, until_caught_up=True))
    finally:
        executor.close()
    reload(run)
    return run


__all__ = ["Executor", "HereExecutor", "has_workers", "make_executor", "trigger_run", "use_executor"]
