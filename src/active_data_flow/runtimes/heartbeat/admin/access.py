"""Tokens and the audit log in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from active_data_flow.runtimes.heartbeat.admin.read_only import ReadOnlyAdmin, pretty
from active_data_flow.runtimes.heartbeat.models import ApiToken, AuditEntry


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Tokens, by name; they are made and revoked by ``manage.py adf_token``."""

    list_display = ("name", "scope_names", "enabled", "created_by", "created_at", "expires_at", "last_used_at")
    list_filter = ("enabled",)
    search_fields = ("name",)
    ordering = ("name",)
    exclude = ("digest", "previous_digest", "scopes")
    readonly_fields = ("scope_names",)

    @admin.display(description=_("scopes"))
    def scope_names(self, token: ApiToken) -> str:
        """What it is good for."""
        return ", ".join(token.scopes)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what."""

    list_display = ("at", "actor", "action", "target", "address")
    search_fields = ("=action", "=target")
    search_help_text = _("The whole action, as run.cancelled, or the whole target, as flow price_sync.")
    exclude = ("details",)
    readonly_fields = ("details_text",)

    @admin.display(description=_("details"))
    def details_text(self, entry: AuditEntry) -> SafeString:
        """What else is worth knowing, secrets redacted."""
        return pretty(entry.details)
