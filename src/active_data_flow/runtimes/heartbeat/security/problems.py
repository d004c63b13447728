"""Errors of requests in one shape, after RFC 9457: ``{"status": 401, "title": …, "code": …, "detail": …}``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

CONTENT_TYPE = "application/problem+json"


class RefusedError(Exception):
    """A request is refused.

    Args:
        status: HTTP status.
        code: The reason in a word that programs can compare.
        detail: The reason, and what to do about it.
        headers: Headers of the answer.
        **more: Further members of the answer.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        """The answer's body."""
        return {
            "status": self.status,
            "title": HTTPStatus(self.status).phrase,
            "code": self.code,
            "detail": self.detail,
            **self.more,
        }


def problem(refused: RefusedError) -> JsonResponse:
    """The answer to a refused request."""
    return JsonResponse(refused.body, status=refused.status, content_type=CONTENT_TYPE, headers=refused.headers)


def database_down() -> RefusedError:
    """What is answered when the database can't be reached; no word about where it is."""
    return RefusedError(
        503,
        "database_unavailable",
        "the database can't be reached; nothing was lost from the schedule: what is due runs at a later heartbeat",
        headers={"Retry-After": "10"},
    )


def misconfigured() -> RefusedError:
    """What is answered when a setting is not valid; the sender can't help it, so that it is not told which."""
    message = "the application is not set up right; its log and manage.py check say what is wrong"
    return RefusedError(500, "misconfigured", message)


__all__ = ["CONTENT_TYPE", "RefusedError", "database_down", "misconfigured", "problem"]
