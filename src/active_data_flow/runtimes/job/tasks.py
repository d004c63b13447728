"""The task of Celery: a project's ``app.autodiscover_tasks()`` looks for modules of this name."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from active_data_flow.runtimes.job import task
from active_data_flow.runtimes.job.backends.celery import TASK

# how often a run is tried is said by its record, and nothing is asked about the task's result
_declared: Any = shared_task(name=TASK, ignore_result=True, max_retries=0)
run_flow = _declared(task.run_flow)

__all__ = ["run_flow"]
