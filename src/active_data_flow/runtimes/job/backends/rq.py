"""RQ: tasks in Redis, as JSON, for workers that run nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr
from redis import Redis
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from active_data_flow.core.configuration import Url
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.models import DataFlowRun
from active_data_flow.runtimes.job.backends.backend import Backend
from active_data_flow.runtimes.job.task import run_flow

_TASK = f"{run_flow.__module__}.{run_flow.__qualname__}"
_FOR_EVER = -1
_SECONDS = 10


class RqBackend(Backend):
    """Queues of RQ; runs with a priority above 0 go to the front of theirs."""

    label: ClassVar[str] = "ACTIVE_DATA_FLOW JOB, backend rq"

    url: Url
    """Address of the Redis server, as ``redis://localhost:6379/0``, or ``env:NAME``."""
    queues: tuple[str, ...] = Field(default=("default",))
    """Names of the queues; none: any, for workers that are told which."""
    _redis: Redis | None = PrivateAttr(default=None)

    def enqueue(self, run: DataFlowRun) -> str:
        """See `Backend`."""
        self.check_queue(run.queue)
        queue = Queue(run.queue, connection=self._connection(), job_class=FlowJob, serializer=JSONSerializer)
        # how long a run may take is the lease's business
        job = queue.enqueue_call(
            _TASK, args=(run.pk, run.attempt), timeout=_FOR_EVER, at_front=run.priority > 0, description=run.flow.name
        )
        return job.id

    def known_queues(self) -> frozenset[str] | None:
        """Those of the options."""
        return frozenset(self.queues) or None

    def work(self, queues: Sequence[str], *, burst: bool) -> None:
        """Be a worker of RQ; each run gets a process of its own."""
        names = list(queues or self.queues)
        if not names:
            raise ConfigurationError(f"{self.label}: name the queues to work for: adf_worker --queue NAME")
        worker = FlowWorker(names, connection=self._connection(), job_class=FlowJob, serializer=JSONSerializer)
        worker.work(burst=burst)

    def close(self) -> None:
        """Close the connection to Redis."""
        if self._redis is not None:
            self._redis.close()
            self._redis = None

    def _connection(self) -> Redis:
        if self._redis is None:
            self._redis = Redis.from_url(self.url.resolve(), socket_connect_timeout=_SECONDS)
        return self._redis


class FlowJob(Job):
    """A job that calls `run_flow`, whatever Redis says."""

    @property
    def func(self) -> Callable[..., Any]:
        """The one function that these workers call.

        Raises:
            ConfigurationError: The job names another.
        """
        if self.func_name != _TASK or self.instance is not None:
            message = f"a job of {self.func_name} is in the queue {self.origin}, whose workers run flows only"
            raise ConfigurationError(message)
        return run_flow


class FlowWorker(Worker):
    """A worker that, asked to stop, has the run in its child stop at a checkpoint."""

    def handle_warm_shutdown_request(self) -> None:
        """Pass the wish on."""
        super().handle_warm_shutdown_request()
        if self.horse_pid:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(self.horse_pid, signal.SIGTERM)


__all__ = ["FlowJob", "FlowWorker", "RqBackend"]
