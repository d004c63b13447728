"""Django's task framework, with any of its backends: ``django-tasks-db`` keeps tasks in the project's database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.models import DataFlowRun
from active_data_flow.runtimes.job.backends.backend import Backend
from active_data_flow.runtimes.job.task_framework import (
    BaseTaskBackend,
    DummyBackend,
    ImmediateBackend,
    TaskException,
    backend_of,
)

_DATABASE = "django_tasks_db"


class TasksBackend(Backend):
    """The queue that Django's setting ``TASKS`` describes."""

    label: ClassVar[str] = "ACTIVE_DATA_FLOW JOB, backend tasks"

    alias: str = "default"
    """Key of the queue's entry in ``TASKS``."""

    def enqueue(self, run: DataFlowRun) -> str:
        """See `Backend`; priorities are heeded where the backend knows them."""
        from active_data_flow.runtimes.job.backends.django_task import run_flow

        backend = self._backend()
        self.check_queue(run.queue)
        priority = run.priority if backend.supports_priority else 0
        try:
            task = run_flow.using(backend=self.alias, queue_name=run.queue, priority=priority)
        except TaskException as error:
            raise ConfigurationError(f"queue {run.queue!r} of TASKS[{self.alias!r}]: {error}") from error
        return task.enqueue(run.pk, run.attempt).id

    def known_queues(self) -> frozenset[str] | None:
        """Those of ``TASKS``; an empty list there means any."""
        return frozenset(self._backend().queues) or None

    def check(self) -> Iterable[checks.CheckMessage]:
        """Whether there is a queue that outlives the process."""
        try:
            backend = self._backend()
        except ConfigurationError as error:
            yield checks.Error(error.message, hint=_EXAMPLE, id="adf.E101")
            return
        if isinstance(backend, ImmediateBackend | DummyBackend) and not settings.DEBUG:
            runs = (
                "runs flows in the heartbeat itself" if isinstance(backend, ImmediateBackend) else "never runs a flow"
            )
            yield checks.Warning(
                f"TASKS[{self.alias!r}]: {type(backend).__name__} {runs}", hint=_EXAMPLE, id="adf.W102"
            )

    def work(self, queues: Sequence[str], *, burst: bool) -> None:
        """Be a worker of ``django-tasks-db``."""
        backend = self._backend()
        module = type(backend).__module__
        if module.partition(".")[0] != _DATABASE:
            message = f"workers of {module}.{type(backend).__name__} are started with a command of its own"
            raise ConfigurationError(message)
        call_command(
            "db_worker", queue_name=",".join(queues) or "*", backend_name=self.alias, batch=burst, reload=False
        )

    def _backend(self) -> BaseTaskBackend:
        try:
            return backend_of(self.alias)
        except (ImproperlyConfigured, KeyError) as error:
            raise ConfigurationError(f"TASKS has no usable backend {self.alias!r}: {error}") from error


_EXAMPLE = 'TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}'

__all__ = ["TasksBackend"]
