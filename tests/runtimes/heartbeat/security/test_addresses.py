from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_project.setup import set_up_django

set_up_django()

from django.test import RequestFactory  # noqa: E402  # needs Django

from active_data_flow.runtimes.heartbeat.security.addresses import (  # noqa: E402
    check_address,
    client_address,
    parse_address,
)
from active_data_flow.runtimes.heartbeat.security.problems import RefusedError  # noqa: E402


def request(remote="10.9.9.9", forwarded=None):
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().post("/", REMOTE_ADDR=remote, **headers)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "10.9.9.9"),
        (0, "1.2.3.4", "10.9.9.9"),  # not looked at
        (1, "1.2.3.4", "1.2.3.4"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # the sender wrote the first
        (2, "6.6.6.6, 1.2.3.4, 10.0.0.1", "1.2.3.4"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "1.2.3.4:4711", "1.2.3.4"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, "unknown", None),
    ],
)
def test_where_a_request_comes_from(proxies, forwarded, address):
    found = client_address(request(forwarded=forwarded), proxies)
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize("forwarded", [None, "", " , ", "1.2.3.4"])
def test_too_few_proxies_are_refused_rather_than_guessed(forwarded):
    with pytest.raises(RefusedError, match="not come through the 2 proxies") as refused:
        client_address(request(forwarded=forwarded), 2)
    assert refused.value.status == 403


@given(
    st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=20), max_size=6),
    st.integers(1, 3),
)
def test_what_the_sender_writes_into_the_header_changes_nothing(written, proxies):
    added = ["1.2.3.4", "10.0.0.1", "10.0.0.2"][:proxies]
    forwarded = ", ".join([*written, *added])
    assert str(client_address(request(forwarded=forwarded), proxies)) == "1.2.3.4"
    assert str(client_address(request(forwarded=forwarded), 0)) == "10.9.9.9"


@pytest.mark.parametrize(
    ("remote", "networks", "allowed"),
    [
        ("10.1.2.3", [], True),
        ("", [], True),  # a socket file
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("11.1.2.3", ["10.0.0.0/8"], False),
        ("2001:db8::7", ["10.0.0.0/8", "2001:db8::/32"], True),
        ("2001:db9::7", ["10.0.0.0/8", "2001:db8::/32"], False),
        ("", ["0.0.0.0/0"], False),
        ("unix:", ["0.0.0.0/0", "::/0"], False),
    ],
)
def test_only_allowed_networks(remote, networks, allowed):
    if allowed:
        check_address(request(remote), networks, 0)
        return
    with pytest.raises(RefusedError, match="not allowed") as refused:
        check_address(request(remote), networks, 0)
    assert refused.value.status == 403


def test_a_forged_header_does_not_get_past_the_allow_list():
    forged = request("203.0.113.9", "10.0.0.1")
    with pytest.raises(RefusedError, match=r"from 203\.0\.113\.9 are not allowed"):
        check_address(forged, ["10.0.0.0/8"], 0)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text):
    parse_address(text)
