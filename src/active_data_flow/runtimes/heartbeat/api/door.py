"""What all requests have in common, before and after the operation that they are for."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from django.views.decorators.csrf import csrf_exempt

from active_data_flow.runtimes.heartbeat.security import RefusedError, log_requests, problem
from active_data_flow.runtimes.heartbeat.security.admission import admit_address
from active_data_flow.runtimes.heartbeat.views import answer_problems

View = Callable[..., HttpResponseBase]


def door(view: View) -> View:
    """A view that is logged, answers in one shape, and tells clients what has not changed since they last asked.

    Requests carry a token, never a session, so that no CSRF token is needed.
    """

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        response = _answer(view, request, *args, **options)
        response["Cache-Control"] = "private, no-cache"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    return csrf_exempt(transaction.non_atomic_requests(log_requests(guarded)))


def not_found(request: HttpRequest) -> HttpResponse:
    """There is nothing at this address.

    Raises:
        RefusedError: 404.
    """
    admit_address(request)
    raise RefusedError(404, "not_found", f"there is no {request.path[:200]!r} in the API; openapi.json lists what is")


def _answer(view: View, request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
    try:
        response = answer_problems(view)(request, *args, **options)
    except Http404:
        return problem(RefusedError(404, "not_found", "there is nothing here; openapi.json lists what is"))
    if isinstance(response, HttpResponseNotAllowed):
        allowed = response["Allow"]
        message = f"{request.method} is not possible here; {allowed} is"
        return problem(RefusedError(405, "method_not_allowed", message, headers={"Allow": allowed}))
    if request.method == "GET" and response.status_code == 200 and isinstance(response, HttpResponse):
        return _unless_unchanged(request, response)
    return response


def _unless_unchanged(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    given = [tag.removeprefix("W/") for tag in parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))]
    if etag in given or "*" in given:
        response = HttpResponse(status=304)
        del response["Content-Type"]
    response["ETag"] = etag
    return response


__all__ = ["door", "not_found"]
