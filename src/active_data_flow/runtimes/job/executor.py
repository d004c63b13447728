"""Gives claimed runs to the queue instead of working on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, F, Q, When

from active_data_flow.core.errors import ConfigurationError, ExecutionError, Then
from active_data_flow.core.run import Budget
from active_data_flow.runtimes.heartbeat.database import database, runs
from active_data_flow.runtimes.heartbeat.leases import refuse
from active_data_flow.runtimes.heartbeat.models import DatabaseNow, DataFlowRun, RunStatus
from active_data_flow.runtimes.heartbeat.models.database_now import in_seconds
from active_data_flow.runtimes.heartbeat.signals import flow_enqueued, send
from active_data_flow.runtimes.heartbeat.texts import shown
from active_data_flow.runtimes.job.settings import job_settings, make_backend

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.working import Interruption


_TO_ENQUEUE = 30.0
"""Seconds in which a run has to get to the queue; those of a heartbeat that is killed meanwhile are another's then."""


class QueueExecutor:
    """Enqueues runs; see `Executor`, whose place it takes where the app is installed.

    Args:
        _interruption: Not needed: nothing here takes long.
    """

    def __init__(self, _interruption: Interruption | None = None) -> None:
        self._to_begin = job_settings().handover
        self.handover = min(_TO_ENQUEUE, self._to_begin)
        self._backend = make_backend()

    def execute(self, run: DataFlowRun, budget: Budget) -> None:
        """Enqueue the run, as soon as it can be seen by others: at the end of a transaction that goes on.

        Raises:
            ConfigurationError: There is no such queue; the run has failed and says so, its flow keeps its schedule.
            ExecutionError: The queue can't be reached; the next heartbeat tries again.
        """
        transaction.on_commit(partial(self._enqueue, run), using=database())

    def close(self) -> None:
        """Close the connection to the queue."""
        self._backend.close()

    def _enqueue(self, run: DataFlowRun) -> None:
        try:
            task_id = self._backend.enqueue(run)
        except ConfigurationError as error:
            refuse(run, error)
            raise error.at(flow=run.flow.name) from error.__cause__
        except Exception as error:
            raise _put_back(run, error) from error
        waits = Q(status=RunStatus.PENDING, next_attempt_at__isnull=False)  # no worker was quicker than this
        due = Case(When(waits, then=in_seconds(self._to_begin)), default=F("next_attempt_at"))
        runs().filter(pk=run.pk).update(task_id=task_id, next_attempt_at=due)
        run.task_id = task_id
        send(flow_enqueued, run)


def _put_back(run: DataFlowRun, error: Exception) -> ExecutionError:
    """The run goes to the queue again at the next heartbeat; harmless, where its task has got there after all."""
    text = f"could not be enqueued: {type(error).__name__}: {shown(error)}"
    waiting = runs().filter(pk=run.pk, status=RunStatus.PENDING, next_attempt_at__isnull=False)
    waiting.update(next_attempt_at=DatabaseNow(), error=text, error_type=type(error).__name__)
    message = f"run {run.run_id} {text}; the next heartbeat tries again"
    return ExecutionError(message, flow=run.flow.name, then=Then.RETRY)


__all__ = ["QueueExecutor"]
