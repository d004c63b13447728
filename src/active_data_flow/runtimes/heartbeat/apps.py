"""The app, as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class HeartbeatConfig(AppConfig):
    """Flows on a heartbeat; its tables begin with ``active_data_flow``."""

    name = "active_data_flow.runtimes.heartbeat"
    label = "active_data_flow"
    verbose_name = _("data flows")  # pyright: ignore[reportAssignmentType]  # Django takes lazy texts here
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have flows brought up after `migrate`, and the project checked. No database is touched here."""
        from active_data_flow.runtimes.heartbeat.checks import register_checks
        from active_data_flow.runtimes.heartbeat.sync import sync_after_migrate

        post_migrate.connect(sync_after_migrate, sender=self)
        register_checks()
