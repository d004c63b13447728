"""Metrics, as Prometheus reads them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from active_data_flow.runtimes.heartbeat.api.access import operation
from active_data_flow.runtimes.heartbeat.metrics import metrics, to_prometheus
from active_data_flow.runtimes.heartbeat.security import Scope

router = Router()
_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_TEXT = {"responses": {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}}


@operation(router, "get", "/metrics", Scope.READ, answers={200: None}, extra=_TEXT)
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Flows, runs, rejected records and heartbeats in figures; none is labelled by flow."""
    return HttpResponse(to_prometheus(metrics()), content_type=_TYPE)


__all__ = ["router"]
