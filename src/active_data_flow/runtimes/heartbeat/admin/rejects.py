"""Rejected records in the admin."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from active_data_flow.runtimes.heartbeat.admin.read_only import ReadOnlyAdmin, pretty
from active_data_flow.runtimes.heartbeat.models import RejectedRecord


@admin.register(RejectedRecord)
class RejectedRecordAdmin(ReadOnlyAdmin):
    """Rejected records, with what is secret in them redacted."""

    list_display = ("id", "pipeline", "status", "at", "error_type", "field", "stage", "short_error")
    list_filter = ("status",)
    list_select_related = ("pipeline",)
    search_fields = ("=run_id",)
    search_help_text = _("A run id.")
    exclude = ("record", "arrow", "split_key")
    readonly_fields = ("record_text",)

    @admin.display(description=_("error"))
    def short_error(self, reject: RejectedRecord) -> str:
        """The beginning of the error."""
        return reject.error if len(reject.error) <= 120 else f"{reject.error[:119]}…"

    @admin.display(description=_("record"))
    def record_text(self, reject: RejectedRecord) -> SafeString:
        """The record, secrets redacted."""
        return pretty(json.loads(reject.record))
