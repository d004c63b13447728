"""Where a request comes from, and whether that is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.http import HttpRequest

from active_data_flow.runtimes.heartbeat.security.problems import RefusedError

Address = IPv4Address | IPv6Address


def client_address(request: HttpRequest, trusted_proxies: int) -> Address | None:
    """The address that a request comes from.

    Each trusted proxy adds one address at the right of X-Forwarded-For; what stands further left anyone may have
    written. So with one proxy it is the last one, with two the one before the last.

    Args:
        request: The request.
        trusted_proxies: How many proxies there are; 0: the header is not looked at.

    Returns:
        None where it can't be told: the server gives none (a socket file), or not an address.

    Raises:
        RefusedError: The request has come past fewer proxies than there are: 403.
    """
    if not trusted_proxies:
        return parse_address(request.META.get("REMOTE_ADDR", ""))
    given: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = [hop.strip() for hop in given.split(",") if hop.strip()]
    if len(hops) < trusted_proxies:
        message = f"the request has not come through the {trusted_proxies} proxies that there should be"
        raise RefusedError(403, "address_unknown", message)
    return parse_address(hops[-trusted_proxies])


def parse_address(text: str) -> Address | None:
    """An address, as it is written in headers; IPv4 inside IPv6 is IPv4; None where it is none."""
    bare = text.removeprefix("[").partition("]")[0] if text.startswith("[") else text
    if bare.count(":") == 1:  # IPv4 with a port, as some proxies write it
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_within(address: Address, networks: Sequence[str]) -> bool:
    """Whether an address is in one of the networks."""
    found: list[Any] = [ip_network(network) for network in networks]
    return any(address in network for network in found if network.version == address.version)


def check_address(request: HttpRequest, networks: Sequence[str], trusted_proxies: int) -> Address | None:
    """The address of a request, which is allowed.

    Raises:
        RefusedError: It is not in one of the networks, or not known: 403.
    """
    address = client_address(request, trusted_proxies)
    if networks and (address is None or not is_within(address, networks)):
        message = f"requests from {address or 'an unknown address'} are not allowed; see ALLOWED_NETWORKS"
        raise RefusedError(403, "address_not_allowed", message)
    return address


__all__ = ["Address", "check_address", "client_address", "is_within", "parse_address"]
