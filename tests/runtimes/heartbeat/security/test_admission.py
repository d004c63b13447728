from __future__ import annotations

import logging

import pytest

from django_project.setup import app_settings_of, set_up_django

set_up_django()

from django.http import HttpResponse  # noqa: E402  # needs Django
from django.test import RequestFactory  # noqa: E402

from active_data_flow.runtimes.heartbeat.models import AuditEntry, RateLimitCounter  # noqa: E402
from active_data_flow.runtimes.heartbeat.security import (  # noqa: E402
    RefusedError,
    Scope,
    admit,
    audit,
    log_requests,
    problem,
)
from active_data_flow.runtimes.heartbeat.security.tokens import create_token  # noqa: E402


def request(token=None, remote="10.1.1.1", scheme="Bearer"):
    headers = {} if token is None else {"HTTP_AUTHORIZATION": f"{scheme} {token}"}
    return RequestFactory().post("/adf/heartbeat", REMOTE_ADDR=remote, **headers)


def refusal(given, scope=Scope.HEARTBEAT):
    with pytest.raises(RefusedError) as refused:
        admit(given, scope)
    return refused.value.status, refused.value.code


def test_whoever_has_a_token_gets_in(database):
    _, token = create_token("pinger", ["heartbeat", "read"])
    for scheme in ("Bearer", "bearer"):
        sender = admit(request(token, scheme=scheme), Scope.READ)
        assert (sender.name, sender.address) == ("pinger", "10.1.1.1")


def test_who_does_not_get_in(database):
    _, token = create_token("pinger")
    assert refusal(request()) == (401, "token_missing")
    assert refusal(request("wrong")) == (401, "token_invalid")
    assert refusal(request("")) == (401, "token_invalid")
    assert refusal(request(token, scheme="Basic")) == (401, "token_invalid")
    assert refusal(request(token), Scope.WRITE) == (403, "scope_missing")
    with app_settings_of(ALLOWED_NETWORKS=["192.0.2.0/24"]):
        assert refusal(request(token)) == (403, "address_not_allowed")
    with app_settings_of(TRUSTED_PROXIES=1):
        assert refusal(request(token)) == (403, "address_unknown")
    with app_settings_of(RATE_LIMIT=1):
        assert refusal(request(token)) == (429, "too_many_requests")


def test_requests_without_a_token_write_nothing(sqlite_database):
    refusal(request())
    refusal(request("wrong"))
    assert not RateLimitCounter.objects.exists()


def test_the_answer_says_how_to_do_it(sqlite_database):
    with pytest.raises(RefusedError) as refused:
        admit(request(), Scope.HEARTBEAT)
    answer = problem(refused.value)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"
    assert b'"code": "token_missing"' in answer.content


def test_each_request_is_logged_without_its_token(sqlite_database, caplog):
    _, token = create_token("pinger")

    @log_requests
    def view(given):
        admit(given, Scope.HEARTBEAT)
        return HttpResponse(status=204)

    with caplog.at_level(logging.INFO, logger="active_data_flow"):
        view(request(token))
        with pytest.raises(RefusedError):
            view(RequestFactory().get("/a\nb", HTTP_AUTHORIZATION="Bearer adf_wrong"))
    first, second = caplog.messages
    for part in ("event=request", "timestamp=", "status=204", "sender=pinger", "address=10.1.1.1", "ms="):
        assert part in first
    assert token not in caplog.text
    assert "adf_wrong" not in caplog.text
    assert "status=500" in second
    assert "\n" not in second


def test_what_was_done_is_kept_without_secrets(database):
    audit("token pinger", "flow.changed", "flow " + "x" * 400, address="10.1.1.1", password="hunter2", was={"a\0b": 1})
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.address) == ("token pinger", "flow.changed", "10.1.1.1")
    assert len(entry.target) == 255
    assert entry.details["password"] == "********"
