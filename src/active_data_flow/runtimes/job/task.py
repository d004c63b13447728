"""What the task of every queue does: work on one run, if it is still there to be worked on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from django.db import close_old_connections

from active_data_flow.core.errors import AlreadyRunningError
from active_data_flow.core.logging import get_logger
from active_data_flow.core.run import Budget
from active_data_flow.runtimes.heartbeat.database import runs
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, RunStatus, Trigger
from active_data_flow.runtimes.heartbeat.working import Interruption, begin_work_on
from active_data_flow.runtimes.job.settings import time_of_one_go


def run_flow(run: int, attempt: int) -> None:
    """Work on a run until it ends, has used up its time, or is asked to stop.

    A task that comes late or twice finds its run begun, ended, or at another attempt, and does nothing.

    Args:
        run: Key of the run's record.
        attempt: The attempt that the task was enqueued for.

    Raises:
        ActiveDataFlowError: The attempt failed: the record says so, and when it is repeated; the queue may know too.
    """
    close_old_connections()
    found = _find(run, attempt)
    if found is None:
        return
    budget = Budget(seconds=time_of_one_go(), until_caught_up=True)
    interruption = Interruption()
    try:
        with _stopped_by_signals(interruption):
            begin_work_on(found, budget, interruption=interruption)
    except AlreadyRunningError:
        _log(run, "another worker has begun it")
    finally:
        close_old_connections()


def _find(key: int, attempt: int) -> DataFlowRun | None:
    run = runs().select_related("flow").filter(pk=key).first()
    if run is None:
        return _log(key, "it was deleted")
    if run.status != RunStatus.PENDING.value or run.attempt != attempt:
        return _log(key, f"it is {run.status}, at attempt {run.attempt}")
    if run.trigger == Trigger.SCHEDULE.value and not run.flow.enabled:
        return _log(key, "its flow is disabled")
    return run


def _log(run: int, why: str) -> None:
    get_logger("job").info("task has nothing to do", run=run, why=why)


@contextmanager
def _stopped_by_signals(interruption: Interruption) -> Generator[None]:
    """SIGTERM and SIGINT let the run stop at a checkpoint, and the worker know that it is to end after that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ask(number: int, frame: Any) -> None:
        interruption.interrupt(signal.Signals(number).name)
        signal.signal(number, before[number])
        if callable(before[number]) and before[number] is not signal.default_int_handler:
            before[number](number, frame)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is ask:
                signal.signal(number, handler)


__all__ = ["run_flow"]
