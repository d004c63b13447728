"""Flows in the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.logging import redact
from active_data_flow.runtimes.heartbeat.admin.read_only import (
    MOST_AT_ONCE,
    ReadOnlyAdmin,
    actor,
    address_of,
    permitted,
    pretty,
)
from active_data_flow.runtimes.heartbeat.models import DataFlow, Trigger
from active_data_flow.runtimes.heartbeat.security.audit import audit
from active_data_flow.runtimes.heartbeat.settings import app_settings

_EDITED = ("description", "configuration", "enabled")


@admin.register(DataFlow)
class DataFlowAdmin(ReadOnlyAdmin):
    """Flows: shown, run, enabled and disabled; with the setting ``ADMIN_EDITS`` also changed."""

    list_display = (
        "name",
        "enabled",
        "schedule_text",
        "last_status",
        "last_run_at",
        "next_run_at",
        "busy",
        "code_missing",
    )
    list_filter = ("enabled", "busy", "code_missing", "last_status", "queue")
    search_fields = ("name", "description")
    ordering = ("name",)
    actions = ("run_now", "enable", "disable")
    fields: Any = None

    @admin.display(description=_("schedule"))
    def schedule_text(self, flow: DataFlow) -> str:
        """When it is due, in words."""
        try:
            schedule = flow.schedule
        except ConfigurationError as error:
            return error.message
        return "-" if schedule is None else schedule.describe()

    @admin.display(description=_("configuration"))
    def configuration_text(self, flow: DataFlow) -> SafeString:
        """Its configuration, secrets redacted."""
        return pretty(flow.configuration)

    def get_fields(self, request: HttpRequest, obj: DataFlow | None = None) -> list[str]:
        """All fields; the configuration as it may be shown."""
        names = [field.name for field in DataFlow._meta.concrete_fields if field.name != "id"]
        if self.has_change_permission(request, obj):
            return names
        return ["configuration_text" if name == "configuration" else name for name in names]

    def get_readonly_fields(self, request: HttpRequest, obj: DataFlow | None = None) -> list[str]:
        """All but what may be changed, where anything may."""
        return [name for name in self.get_fields(request, obj) if name not in _EDITED]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Where the setting and the user's permissions allow it."""
        return app_settings().admin_edits and permitted(request, "change_dataflow")

    def has_switch_permission(self, request: HttpRequest) -> bool:
        """Whether someone may enable and disable flows."""
        return permitted(request, "change_dataflow")

    def save_model(self, request: HttpRequest, obj: DataFlow, form: Any, change: Any) -> None:
        """Save what was changed, and who did it."""
        super().save_model(request, obj, form, change)
        after = {name: redact(getattr(obj, name)) for name in form.changed_data}
        _audit(request, "flow.changed", obj, changed=after)

    @admin.action(description=_("Run now"), permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[DataFlow]) -> None:
        """Have flows run at the next heartbeat, or by the queue."""

        def run(flow: DataFlow) -> bool:
            begun = flow.trigger_run(trigger=Trigger.MANUAL, wait=False)
            _audit(request, "flow.triggered", flow, run=begun.run_id)
            return True

        self._each(request, queryset, run, "triggered")

    @admin.action(description=_("Enable"), permissions=["switch"])
    def enable(self, request: HttpRequest, queryset: QuerySet[DataFlow]) -> None:
        """Have flows run when they are due."""
        self._each(request, queryset, lambda flow: _switch(request, flow, enabled=True), "enabled")

    @admin.action(description=_("Disable"), permissions=["switch"])
    def disable(self, request: HttpRequest, queryset: QuerySet[DataFlow]) -> None:
        """Have flows no longer run when they are due."""
        self._each(request, queryset, lambda flow: _switch(request, flow, enabled=False), "disabled")

    def _each(
        self, request: HttpRequest, flows: QuerySet[DataFlow], act: Callable[[DataFlow], bool], done: str
    ) -> None:
        count = 0
        for flow in flows[:MOST_AT_ONCE]:
            try:
                count += act(flow)
            except ActiveDataFlowError as error:
                self.message_user(request, f"{flow.name}: {error.message}", messages.ERROR)
        self.message_user(request, f"{count} {done}", messages.SUCCESS if count else messages.WARNING)


def _switch(request: HttpRequest, flow: DataFlow, *, enabled: bool) -> bool:
    if flow.enabled == enabled:
        return False
    flow.enabled = enabled
    flow.save(update_fields=["enabled", "updated_at"])
    _audit(request, "flow.enabled" if enabled else "flow.disabled", flow)
    return True


def _audit(request: HttpRequest, action: str, flow: DataFlow, **details: Any) -> None:
    audit(actor(request), action, f"flow {flow.name}", address=address_of(request), **details)
