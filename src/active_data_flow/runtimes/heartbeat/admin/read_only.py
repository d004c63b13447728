"""Lists that stay fast however many rows there are, and that change nothing."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from active_data_flow.core.logging import redact
from active_data_flow.runtimes.heartbeat.security.addresses import client_address
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError
from active_data_flow.runtimes.heartbeat.settings import app_settings

MOST_COUNTED = 10_000
"""Rows that a list counts and pages through; more are found by filters and search."""
MOST_AT_ONCE = 500
"""Rows that one action does something to."""


class CappedPaginator(Paginator):
    """Counts no further than is paged through: counting a million rows takes a while."""

    @cached_property
    def count(self) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]  # a property in Django too
        """How many rows there are, as far as they are counted."""
        return self.object_list.order_by()[:MOST_COUNTED].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows, newest first, without counting them all, sorting by what has no index, or changing anything."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # pyright: ignore[reportAttributeAccessIssue]  # newer than the types
    list_per_page = 50
    list_max_show_all = 200
    sortable_by: Any = ()
    ordering: Any = ("-pk",)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        """Nothing is added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted here."""
        return False

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Whether someone may run flows, and pause, resume and cancel their runs."""
        return permitted(request, "run_dataflow")


def permitted(request: HttpRequest, codename: str) -> bool:
    """Whether the user has a permission of the app."""
    return cast("Any", request.user).has_perm(f"active_data_flow.{codename}")


def actor(request: HttpRequest) -> str:
    """The user, for the audit log."""
    return f"user {cast('Any', request.user).get_username()}"


def address_of(request: HttpRequest) -> str | None:
    """Where a user's request comes from, for the audit log; None where that can't be told."""
    try:
        address = client_address(request, app_settings().trusted_proxies)
    except RefusedError:
        return None
    return None if address is None else str(address)


def pretty(value: Any) -> SafeString:
    """A value as indented JSON, its secrets redacted."""
    text = json.dumps(redact(value), indent=2, ensure_ascii=False, default=str)
    return format_html("<pre>{}</pre>", text if len(text) <= 100_000 else text[:100_000] + " …")


__all__ = [
    "MOST_AT_ONCE",
    "MOST_COUNTED",
    "CappedPaginator",
    "ReadOnlyAdmin",
    "actor",
    "address_of",
    "permitted",
    "pretty",
]
