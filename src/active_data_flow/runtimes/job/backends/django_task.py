"""The task of Django's task framework: workers find it by this module's name."""

from __future__ import annotations

from active_data_flow.runtimes.job import task as job
from active_data_flow.runtimes.job.settings import job_settings
from active_data_flow.runtimes.job.task_framework import backend_of, task

_alias = str(job_settings().options.get("alias", "default"))


@task(backend=_alias, queue_name=min(backend_of(_alias).queues, default="default"))
def run_flow(run: int, attempt: int) -> None:
    """See `task.run_flow`."""
    job.run_flow(run, attempt)


__all__ = ["run_flow"]
