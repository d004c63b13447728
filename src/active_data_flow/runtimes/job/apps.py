"""The app, as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JobConfig(AppConfig):
    """Flows on a task queue; it has no tables of its own."""

    name = "active_data_flow.runtimes.job"
    label = "active_data_flow_job"
    verbose_name = _("data flows on a task queue")  # pyright: ignore[reportAssignmentType]  # Django takes lazy texts here

    def ready(self) -> None:
        """Have claimed runs enqueued from now on, and the settings checked."""
        from active_data_flow.runtimes.heartbeat.execution import use_executor
        from active_data_flow.runtimes.job.checks import register_checks
        from active_data_flow.runtimes.job.executor import QueueExecutor

        use_executor(QueueExecutor)
        register_checks()
