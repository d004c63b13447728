"""The heartbeat and the health of the app, by HTTP."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from pydantic import Field

from active_data_flow.core.configuration import Configuration
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError, Then
from active_data_flow.core.logging import get_logger
from active_data_flow.core.policies import Seconds
from active_data_flow.runtimes.heartbeat import heartbeat as beating
from active_data_flow.runtimes.heartbeat.database import database
from active_data_flow.runtimes.heartbeat.models import Heartbeat
from active_data_flow.runtimes.heartbeat.security import (
    RefusedError,
    Scope,
    admit,
    admit_address,
    log_requests,
    problem,
    read_json,
)
from active_data_flow.runtimes.heartbeat.security.problems import database_down, misconfigured
from active_data_flow.runtimes.heartbeat.settings import app_settings
from active_data_flow.runtimes.heartbeat.texts import shown

View = Callable[..., HttpResponseBase]


class HeartbeatRequest(Configuration):
    """What a heartbeat may ask for; never more than the settings allow."""

    label = "heartbeat"

    budget: Seconds | None = None
    """Time that it may take, as ``10s``."""
    max_flows: int | None = Field(default=None, ge=1, strict=True)
    """Flows to trigger at most."""


def answer_problems(view: View) -> View:
    """A view whose refusals, and whose database that is down, are answered as problems in JSON."""

    @functools.wraps(view)
    def answering(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **options)
        except RefusedError as refused:
            return problem(refused)
        except (DatabaseError, InterfaceError) as error:
            get_logger().error("database can't be used", error=shown(error))
            return problem(database_down())
        except ActiveDataFlowError as error:
            get_logger().error("request failed", error=shown(error))
            return problem(database_down() if error.then is Then.RETRY else misconfigured())

    return answering


@csrf_exempt
@transaction.non_atomic_requests
@never_cache
@log_requests
@answer_problems
def heartbeat(request: HttpRequest) -> JsonResponse:
    """``POST``: run the flows that are due; the answer says how many were, and how many are left."""
    admit_address(request)
    _allow(request, "POST")
    sender = admit(request, Scope.HEARTBEAT)
    wanted = _wanted(request)
    settings = app_settings()
    result = beating.heartbeat(
        settings.budget if wanted.budget is None else min(wanted.budget, settings.budget),
        settings.max_flows if wanted.max_flows is None else min(wanted.max_flows, settings.max_flows),
        source=sender.name,
    )
    return JsonResponse(result.to_json())


@csrf_exempt
@transaction.non_atomic_requests
@never_cache
@log_requests
@answer_problems
def health(request: HttpRequest) -> JsonResponse:
    """``GET``: whether the database can be used, and when the last heartbeat was. Needs no token."""
    admit_address(request)
    _allow(request, "GET", "HEAD")
    last = Heartbeat.objects.using(database()).order_by("-id").values_list("started_at", flat=True).first()
    return JsonResponse(
        {
            "status": "ok",
            "database": "ok",
            "last_heartbeat_at": last,
            "seconds_since_heartbeat": None if last is None else round((timezone.now() - last).total_seconds(), 1),
        }
    )


def _allow(request: HttpRequest, *methods: str) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise RefusedError(405, "method_not_allowed", f"send {methods[0]} here", headers={"Allow": allowed})


def _wanted(request: HttpRequest) -> HeartbeatRequest:
    try:
        return HeartbeatRequest.build(read_json(request, HeartbeatRequest.model_fields.keys()))
    except ConfigurationError as error:
        raise RefusedError(400, "option_invalid", error.message) from error


__all__ = ["HeartbeatRequest", "answer_problems", "health", "heartbeat"]
