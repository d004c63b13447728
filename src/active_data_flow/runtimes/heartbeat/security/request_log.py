"""One log line for each request: when, what, who, from where, what came of it, how long it took."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from active_data_flow.core.logging import get_logger

View = Callable[..., HttpResponseBase]


def log_requests(view: View) -> View:
    """A view whose requests are logged, by the logger ``active_data_flow``, each with its time.

    The path is logged without the query; headers and bodies are not logged.
    """

    @functools.wraps(view)
    def logged(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        start = time.perf_counter()
        status = 500
        try:
            response = view(request, *args, **options)
            status = response.status_code
        finally:
            _log(request, status, time.perf_counter() - start)
        return response

    return logged


def _log(request: HttpRequest, status: int, seconds: float) -> None:
    logger = get_logger()
    write = logger.error if status >= 500 else logger.warning if status >= 400 else logger.info
    write(
        "request",
        method=_printable(request.method or ""),
        path=_printable(request.path),
        status=status,
        sender=_printable(request.META.get("adf.sender") or "-"),
        address=request.META.get("adf.address") or _printable(request.META.get("REMOTE_ADDR") or "-"),
        ms=round(seconds * 1000, 1),
    )


def _printable(text: str) -> str:
    """What others have sent must not make lines of its own."""
    shown = text if text.isprintable() else text.encode("unicode_escape").decode()
    return shown if len(shown) <= 200 else shown[:199] + "…"


__all__ = ["log_requests"]
