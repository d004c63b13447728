"""The door: address, token, scope and rate of one request, in this order."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from active_data_flow.runtimes.heartbeat.security.addresses import check_address
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError
from active_data_flow.runtimes.heartbeat.security.rate_limit import count_request
from active_data_flow.runtimes.heartbeat.security.tokens import Holder, find_holder
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings, app_settings

_SCHEME = "bearer"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who has sent a request.

    Attributes:
        name: Name of the token.
        scopes: What the token is good for.
        address: Where the request comes from; None where that is not known.
    """

    name: str
    scopes: frozenset[str]
    address: str | None


def admit(request: HttpRequest, scope: str) -> Sender:
    """Let a request in.

    Args:
        request: The request; its token stands in the header ``Authorization: Bearer adf_…``.
        scope: What the token must be good for.

    Returns:
        Who has sent it; `log_requests` puts it into the log.

    Raises:
        RefusedError: 403 the address is not allowed, 401 no token or not a valid one, 403 it lacks the scope, 429
            too many requests.
        DatabaseError: The database can't be reached, where tokens and counts are.

    Example:
        >>> sender = admit(request, Scope.READ)
    """
    settings = app_settings()
    address = admit_address(request, settings)
    holder = _authenticate(request, settings)
    request.META["adf.sender"] = holder.name
    count_request(holder.name, settings.rate_limit)
    if scope not in holder.scopes:
        message = f"token {holder.name!r} is not good for {scope!r}; it has {', '.join(sorted(holder.scopes))}"
        raise RefusedError(403, "scope_missing", message)
    return Sender(holder.name, holder.scopes, address)


def admit_address(request: HttpRequest, settings: HeartbeatSettings | None = None) -> str | None:
    """Let a request in that needs no token; where it comes from.

    Raises:
        RefusedError: The address is not allowed: 403.
    """
    settings = settings or app_settings()
    address = check_address(request, settings.allowed_networks, settings.trusted_proxies)
    request.META["adf.address"] = None if address is None else str(address)
    return request.META["adf.address"]


def _authenticate(request: HttpRequest, settings: HeartbeatSettings) -> Holder:
    given: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = given.strip().partition(" ")
    if not given:
        message = "there is no token; send it in the header Authorization: Bearer adf_…"
        raise RefusedError(401, "token_missing", message, headers={"WWW-Authenticate": "Bearer"})
    holder = find_holder(token.strip(), settings) if scheme.lower() == _SCHEME else None
    if holder is None:
        message = "the token is not a valid one: wrong, revoked or expired; manage.py adf_token list shows them"
        raise RefusedError(401, "token_invalid", message, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return holder


__all__ = ["Sender", "admit", "admit_address"]
