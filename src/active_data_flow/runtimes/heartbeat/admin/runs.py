"""Runs in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.admin.read_only import (
    MOST_AT_ONCE,
    ReadOnlyAdmin,
    actor,
    address_of,
    pretty,
)
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, RunLogLine
from active_data_flow.runtimes.heartbeat.security.audit import audit

_LINES = 200
_FLOWS = 100


@admin.register(DataFlowRun)
class DataFlowRunAdmin(ReadOnlyAdmin):
    """Runs: shown with their logs; paused, resumed and cancelled by those who may."""

    list_display = (
        "run_id",
        "flow",
        "status",
        "reason",
        "trigger",
        "created_at",
        "duration",
        "records_read",
        "records_written",
        "records_rejected",
        "error_type",
    )
    list_filter = ("status", "trigger")
    list_select_related = ("flow",)
    search_fields = ("run_id",)
    search_help_text = _("A run id, or a part of a flow's name.")
    actions = ("pause", "resume", "cancel")
    exclude = ("result",)
    readonly_fields = ("duration", "result_text", "log")

    @admin.display(description=_("duration"))
    def duration(self, run: DataFlowRun) -> str:
        """How long it took."""
        return "-" if run.duration is None else str(run.duration).partition(".")[0]

    @admin.display(description=_("result"))
    def result_text(self, run: DataFlowRun) -> SafeString:
        """What it says itself about what it did."""
        return pretty(run.result)

    @admin.display(description=_("log"))
    def log(self, run: DataFlowRun) -> SafeString:
        """Its last log lines."""
        lines = list(RunLogLine.objects.filter(run=run).order_by("-id")[:_LINES])[::-1]
        text = "\n".join(f"{line.at:%H:%M:%S} {line.level} {line.text} {line.values or ''}" for line in lines)
        return format_html("<pre>{}</pre>", text)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DataFlowRun], search_term: str
    ) -> tuple[QuerySet[DataFlowRun], bool]:
        """A run by its id, or the runs of flows by a part of their names: both by an index."""
        term = search_term.strip().replace("\0", "")
        if not term:
            return queryset, False
        if DataFlowRun.objects.filter(run_id=term).exists():
            return queryset.filter(run_id=term), False
        flows = list(DataFlow.objects.filter(name__icontains=term).values_list("pk", flat=True)[:_FLOWS])
        return queryset.filter(flow__in=flows), False

    @admin.action(description=_("Cancel at the next checkpoint"), permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[DataFlowRun]) -> None:
        """Cancel runs: at once where no one works on them, else at their next checkpoint."""
        self._each(request, queryset, leases.cancel, "cancelled")

    @admin.action(description=_("Pause at the next checkpoint"), permissions=["run"])
    def pause(self, request: HttpRequest, queryset: QuerySet[DataFlowRun]) -> None:
        """Pause runs until they are resumed."""
        self._each(request, queryset, leases.pause, "paused")

    @admin.action(description=_("Resume"), permissions=["run"])
    def resume(self, request: HttpRequest, queryset: QuerySet[DataFlowRun]) -> None:
        """Let paused runs go on at the next heartbeat."""
        self._each(request, queryset, leases.resume, "resumed")

    def _each(
        self, request: HttpRequest, runs: QuerySet[DataFlowRun], act: Callable[[DataFlowRun], Any], done: str
    ) -> None:
        count = 0
        for run in runs.active().select_related("flow")[:MOST_AT_ONCE]:  # pyright: ignore[reportAttributeAccessIssue]  # the runs' own query set
            if act(run):
                audit(actor(request), f"run.{done}", f"run {run.run_id}", address=address_of(request))
                count += 1
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, f"{count} {done}; runs that have ended stay as they are", level)
