"""Celery: the project's own app, its brokers and its workers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from celery import current_app
from pydantic import Field

from active_data_flow.runtimes.heartbeat.models import DataFlowRun
from active_data_flow.runtimes.job.backends.backend import Backend

TASK = "active_data_flow.run_flow"
"""Name of the task, for routes and monitors."""
_ATTEMPTS = {"max_retries": 2, "interval_start": 0.1, "interval_step": 0.2, "interval_max": 0.5}
_HIGHEST = 9


class CeleryBackend(Backend):
    """Queues of Celery; its app is the project's current one, which finds the task by ``autodiscover_tasks()``."""

    label: ClassVar[str] = "ACTIVE_DATA_FLOW JOB, backend celery"

    queues: tuple[str, ...] = Field(default=("default",))
    """Names of the queues; none: any."""

    def enqueue(self, run: DataFlowRun) -> str:
        """See `Backend`."""
        self.check_queue(run.queue)
        app: Any = current_app
        sent = app.send_task(
            TASK,
            args=(run.pk, run.attempt),
            queue=run.queue,
            priority=self._priority(app, run.priority),
            serializer="json",
            ignore_result=True,
            retry_policy=_ATTEMPTS,
        )
        return str(sent.id)

    def known_queues(self) -> frozenset[str] | None:
        """Those of the options."""
        return frozenset(self.queues) or None

    def work(self, queues: Sequence[str], *, burst: bool) -> None:
        """Be a worker of Celery; it knows no `burst`."""
        names = ",".join(queues or self.queues)
        app: Any = current_app
        app.worker_main(["worker", "--loglevel=INFO", *(["-Q", names] if names else [])])

    def _priority(self, app: Any, priority: int) -> int:
        """From -100 … 100 to 0 … 9; Redis takes the lowest number first, other brokers the highest."""
        level = round((priority + 100) * _HIGHEST / 200)
        with app.connection_for_write() as connection:
            return _HIGHEST - level if connection.transport.driver_type == "redis" else level


__all__ = ["TASK", "CeleryBackend"]
