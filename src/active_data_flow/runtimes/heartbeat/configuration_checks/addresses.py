"""Addresses that records may lead to: of allowed kinds, and to public places, or to allowed private ones."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from active_data_flow.core.configuration import redact_url
from active_data_flow.core.errors import ConfigurationError, Then
from active_data_flow.core.near_names import near_names
from active_data_flow.runtimes.heartbeat.configuration_checks.files import check_file
from active_data_flow.runtimes.heartbeat.security.addresses import is_within
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings

_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")
_FILES = frozenset({"sqlite", "file", "duckdb"})
_NAT64 = IPv6Network("64:ff9b::/96")  # behind which a NAT64 puts all IPv4 addresses
_WEB = frozenset({"http", "https"})
# what follows the question mark of a database's address can name other hosts, and files with keys
_PARAMETERS = frozenset({"sslmode", "connect_timeout", "application_name", "charset"})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an address leads.

    Attributes:
        parts: The address, taken apart.
        host: Name of the host.
        address: The first address that it was resolved to: whoever connects to this one, and asks no name server
            again, gets no other place than was checked.
    """

    parts: SplitResult
    host: str
    address: str


def looks_like_url(text: str) -> bool:
    """Whether a text begins as an address does."""
    return _URL.match(text) is not None


def check_url(url: str, settings: HeartbeatSettings) -> None:
    """Refuse an address that a record may not lead to.

    Raises:
        ConfigurationError: Its kind is not allowed, it leads to a place that is not public and not allowed, its
            parameters could lead elsewhere, or it can't be resolved now.
    """
    parts = _split(url)
    kind = parts.scheme.partition("+")[0].lower()
    if kind in _FILES:
        check_file(_file_of(url), settings.file_roots)
        return
    destination = resolve(url, settings)
    if kind not in _WEB:
        _check_parameters(destination.parts)


def resolve(url: str, settings: HeartbeatSettings) -> Destination:
    """Resolve the host of an address, once.

    Raises:
        ConfigurationError: See `check_url`.
    """
    parts = _split(url)
    kind = parts.scheme.partition("+")[0].lower()
    if kind not in settings.url_schemes:
        near = near_names(kind, settings.url_schemes)
        raise ConfigurationError(f"{redact_url(url)}: {kind}:// is not allowed{near}; see URL_SCHEMES")
    if not parts.hostname:
        message = f"{redact_url(url)}: names no host, and so leads to this machine; see PRIVATE_NETWORKS"
        raise ConfigurationError(message)
    found = _addresses(parts.hostname)
    for address in found:
        if not all(map(_is_public, _faces(address))) and not is_within(address, settings.private_networks):
            message = (
                f"{redact_url(url)}: leads to {address}, which is not public; where that is meant, "
                "add its network to PRIVATE_NETWORKS"
            )
            raise ConfigurationError(message)
    return Destination(parts, parts.hostname, str(found[0]))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{redact_url(url)!r} is no valid address: {error}") from error
    return parts


def _file_of(url: str) -> str:
    _, _, rest = url.strip().partition("://")
    path = unquote(rest.partition("?")[0])
    return path if url.strip().startswith("file:") else path.removeprefix("/")


def _addresses(host: str) -> list[IPv4Address | IPv6Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        message = f"host {host!r} can't be resolved: {error}"
        raise ConfigurationError(message, then=Then.RETRY) from error
    unique = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)
    return [getattr(address, "ipv4_mapped", None) or address for address in map(ip_address, unique)]


def _faces(address: IPv4Address | IPv6Address) -> Iterator[IPv4Address | IPv6Address]:
    """The address, and the IPv4 address that an IPv6 one may hide: by 6to4, by Teredo, by NAT64."""
    yield address
    if isinstance(address, IPv6Address):
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
        if address in _NAT64:
            yield IPv4Address(int(address) & 0xFFFFFFFF)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _check_parameters(parts: SplitResult) -> None:
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _PARAMETERS:
            message = (
                f"the parameter {name!r} may not stand in a record's address: it could lead elsewhere; "
                f"allowed are {', '.join(sorted(_PARAMETERS))}; put the whole address into an environment variable"
            )
            raise ConfigurationError(message)


__all__ = ["Destination", "check_url", "looks_like_url", "resolve"]
