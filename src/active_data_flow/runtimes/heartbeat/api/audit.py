"""The audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from active_data_flow.runtimes.heartbeat.api.access import operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.paging import Filters, Page, newest_first
from active_data_flow.runtimes.heartbeat.api.schemas.types import shown_value
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import AuditEntry
from active_data_flow.runtimes.heartbeat.security import Scope

router = Router()


class AuditFilters(Filters):
    """Parameters of the audit log."""

    action: Annotated[str | None, Field(max_length=64, description="What was done, as `flow.changed`.")] = None
    target: Annotated[str | None, Field(max_length=255, description="To what, as `flow prices`.")] = None


class AuditItem(BaseModel):
    """Someone did something."""

    at: datetime
    actor: str
    address: str | None
    action: str
    target: str
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """The shape of a record."""
        return cls(
            at=entry.at,
            actor=entry.actor,
            address=entry.address,
            action=entry.action,
            target=entry.target,
            details=shown_value(entry.details),
        )


@operation(router, "get", "/audit", Scope.READ, answers={200: Page[AuditItem]}, problems=(422,))
def list_audit(request: HttpRequest, filters: Query[AuditFilters]) -> HttpResponse:
    """Who did what, newest first."""
    rows = QuerySet(AuditEntry, using=database())
    for field in ("action", "target"):
        value = getattr(filters, field)
        if value is not None:
            rows = rows.filter(**{field: value})
    found, following = newest_first(rows, filters)
    return answer(Page(items=[AuditItem.of(entry) for entry in found], next=following))


__all__ = ["router"]
