"""Who may use an operation, and how operations are declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from ninja import Router
from ninja.security.base import AuthBase

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.logging import get_logger
from active_data_flow.runtimes.heartbeat.api.schemas.problem import Problem
from active_data_flow.runtimes.heartbeat.security import Scope, Sender, admit
from active_data_flow.runtimes.heartbeat.security.audit import audit
from active_data_flow.runtimes.heartbeat.security.json_bodies import read_body
from active_data_flow.runtimes.heartbeat.security.problems import misconfigured
from active_data_flow.runtimes.heartbeat.texts import shown

_ALWAYS = (401, 403, 429, 500, 503)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Token(AuthBase):
    """Lets requests in whose token has a scope; the sender is then their ``auth``.

    Args:
        scope: The scope.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A token, as `manage.py adf_token create` makes it."

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Sender:
        """The sender.

        Raises:
            RefusedError: See `admit` and `read_body`; 500 where the settings are not valid.
        """
        try:
            sender = admit(request, self.scope)
            read_body(request)
        except ConfigurationError as error:
            get_logger().error("request failed", error=shown(error))
            raise misconfigured() from error
        return sender


def operation(
    router: Router,
    method: str,
    path: str,
    scope: Scope,
    *,
    answers: dict[int, Any],
    problems: tuple[int, ...] = (),
    extra: dict[str, Any] | None = None,
) -> Decorator:
    """Declare an operation with all its answers.

    Args:
        router: Where it belongs.
        method: ``get``, ``post`` …
        path: Its path.
        scope: The scope that the token has to have.
        answers: What is answered where all is well, by status.
        problems: Statuses of what may go wrong, besides what may with each operation.
        extra: What else the OpenAPI document says of it.
    """
    statuses = sorted({*_ALWAYS, *problems, *(() if method == "get" else (400, 413))})
    unchanged: dict[int, Any] = {304: None} if method == "get" else {}
    declare = getattr(router, method)
    return declare(
        path,
        auth=Token(scope),
        response={**answers, **unchanged, **dict.fromkeys(statuses, Problem)},
        summary=None,
        openapi_extra={"x-scope": scope.value, **(extra or {})},
    )


def note(request: HttpRequest, action: str, target: str, **details: Any) -> None:
    """Write what a request did into the audit log."""
    sender: Sender = request.auth  # pyright: ignore[reportAttributeAccessIssue]  # ninja puts it there
    audit(f"token {sender.name}", action, target, address=sender.address, **details)


__all__ = ["Token", "note", "operation"]
