"""Whether flows run as they should."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router
from pydantic import BaseModel, Field

from active_data_flow.runtimes.heartbeat.api.access import operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.database import database, flows, runs
from active_data_flow.runtimes.heartbeat.models import Heartbeat, RunStatus
from active_data_flow.runtimes.heartbeat.security import Scope
from active_data_flow.version import VERSION

router = Router()


class Health(BaseModel):
    """How things stand."""

    version: str
    last_heartbeat_at: datetime | None
    flows_due: Annotated[int, Field(description="Flows that wait for a heartbeat.")]
    longest_due_seconds: Annotated[float, Field(description="How long the first of them has waited.")]
    runs_in_progress: int
    runs_silent: Annotated[int, Field(description="Runs whose lease has run out: the next heartbeat gives them up.")]


@operation(router, "get", "/health", Scope.READ, answers={200: Health})
def show_health(request: HttpRequest) -> HttpResponse:
    """How many flows wait, for how long, and whether workers give signs of life."""
    now = timezone.now()
    working = runs().filter(status=RunStatus.IN_PROGRESS).order_by()
    first = flows().due_to_run().order_by("next_run_at").values_list("next_run_at", flat=True).first()
    newest = QuerySet(Heartbeat, using=database()).order_by("-pk").values_list("started_at", flat=True).first()
    return answer(
        Health(
            version=VERSION,
            last_heartbeat_at=newest,
            flows_due=flows().due_to_run().count(),
            longest_due_seconds=0.0 if first is None else max(0.0, round((now - first).total_seconds(), 3)),
            runs_in_progress=working.count(),
            runs_silent=working.filter(lease_expires_at__lte=now).count(),
        )
    )


__all__ = ["router"]
