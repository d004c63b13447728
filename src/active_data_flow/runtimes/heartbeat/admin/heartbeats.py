"""Heartbeats in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from active_data_flow.runtimes.heartbeat.admin.read_only import ReadOnlyAdmin, pretty
from active_data_flow.runtimes.heartbeat.models import Heartbeat


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """What each heartbeat triggered, and what it skipped and why."""

    list_display = (
        "started_at",
        "source",
        "flows_due",
        "flows_triggered",
        "flows_remaining",
        "runs_lost",
        "ended_at",
    )
    exclude = ("triggered", "skipped")
    readonly_fields = ("triggered_text", "skipped_text")

    @admin.display(description=_("triggered"))
    def triggered_text(self, heartbeat: Heartbeat) -> SafeString:
        """The runs that it worked on or handed over."""
        return pretty(heartbeat.triggered)

    @admin.display(description=_("skipped"))
    def skipped_text(self, heartbeat: Heartbeat) -> SafeString:
        """The flows that were due and were not triggered, and why."""
        return pretty(heartbeat.skipped)
