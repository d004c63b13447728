"""Fetches what an address of a record leads to: connects to the very address that was checked, at each redirect too."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urljoin, urlunsplit

from active_data_flow.core.configuration import redact_url
from active_data_flow.core.errors import ConfigurationError, SourceError, SourceUnavailableError
from active_data_flow.runtimes.heartbeat.configuration_checks.addresses import Destination, resolve
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings, app_settings

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST = 5


def fetch(url: str, *, timeout: float = 30.0, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
    """GET an address that stands in a record.

    Args:
        url: The address, ``https://…``.
        timeout: Seconds to wait for the connection, and for each part of the answer.
        headers: Headers of the request; not sent on to another server.

    Returns:
        The answer, to be read; what was not read is thrown away when it is closed.

    Raises:
        ConfigurationError: The address, or one that it redirects to, is not allowed.
        SourceUnavailableError: The place does not answer.
        SourceError: It redirects on and on, or answers with an error.
    """
    settings = app_settings()
    first = place = resolve(url, settings)
    for _ in range(_MOST + 1):
        own = headers if _server(place) == _server(first) else None
        answer = _get(place, timeout, own or {})
        location = answer.headers.get("Location")
        if answer.status not in _REDIRECTS or location is None:
            return _good(answer, url)
        answer.close()
        place = _redirected(urljoin(urlunsplit(place.parts), location), url, settings)
    raise SourceError(f"{redact_url(url)}: redirects more than {_MOST} times")


def _redirected(location: str, url: str, settings: HeartbeatSettings) -> Destination:
    try:
        return resolve(location, settings)
    except ConfigurationError as error:
        message = f"{redact_url(url)}: redirects to an address that is not allowed: {error.message}"
        raise ConfigurationError(message) from error


def _get(place: Destination, timeout: float, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    connection = _connection(place, timeout)
    target = urlunsplit(("", "", place.parts.path or "/", place.parts.query, ""))
    try:
        connection.request("GET", target, headers={**headers, "Connection": "close"})
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise SourceUnavailableError(f"{place.host}: does not answer: {error}") from error


def _connection(place: Destination, timeout: float) -> http.client.HTTPConnection:
    """A connection to the address that was checked; the host's name is for the server and its certificate only."""
    secure = place.parts.scheme == "https"
    port = place.parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(place.host, port, timeout=timeout)
    try:
        plain = socket.create_connection((place.address, port), timeout)
        connection.sock = _secured(plain, place.host) if secure else plain
    except OSError as error:
        raise SourceUnavailableError(f"{place.host}: can't be reached: {error}") from error
    return connection


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError:
        plain.close()
        raise


def _server(place: Destination) -> tuple[str, str, int | None]:
    return place.parts.scheme, place.host, place.parts.port


def _good(answer: http.client.HTTPResponse, url: str) -> http.client.HTTPResponse:
    if answer.status < 400:
        return answer
    answer.close()
    kind = SourceUnavailableError if answer.status >= 500 or answer.status == 429 else SourceError
    raise kind(f"{redact_url(url)}: answers {answer.status} {answer.reason}")


__all__ = ["fetch"]
