from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from django_project.setup import app_settings_of, set_up_django, use_databases

set_up_django()

from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, Heartbeat  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.security.tokens import create_token  # noqa: E402
from django_project.memory_flows import record, written  # noqa: E402

URL = "/adf/heartbeat"


@pytest.fixture
def send(database):
    """Sends a heartbeat with a token."""
    _, token = create_token("pinger")
    return sender(token)


def sender(token):
    def send(body="", method="post", url=URL, **extra):
        extra = {"HTTP_AUTHORIZATION": f"Bearer {token}", **extra}
        call = getattr(Client(enforce_csrf_checks=True), method)
        return call(url, body, content_type="application/json", **extra)

    return send


def refused(response, status, code):
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert not response.cookies  # no session
    return response


def test_it_runs_what_is_due_and_says_so(send):
    record("one", [{"n": 1}, {"n": 2}])
    record("two", [{"n": 3}])
    record("later", [{"n": 4}], enabled=False)
    answer = send()
    assert answer.status_code == 200
    result = answer.json()
    assert (result["flows_due"], result["flows_triggered"], result["flows_remaining"]) == (2, 2, 0)
    assert {run["flow"]: run["status"] for run in result["triggered"]} == {"one": "success", "two": "success"}
    assert written("one") == [1, 2]
    assert Heartbeat.objects.get().source == "pinger"
    assert "no-store" in answer["Cache-Control"]
    assert send().json()["flows_due"] == 0


def test_a_slash_at_the_end_is_no_mistake(send):
    assert send(url=URL + "/").status_code == 200


def test_one_flow_s_failure_does_not_stop_the_others(send):
    record(
        "bad",
        [{"n": 1}, {"oops": 2}],
        priority=5,
        on_error={"reject": False},
        transforms=[{"type": "cast", "columns": {"n": "date"}}],
    )
    record("good", [{"n": 1}])
    statuses = {run["flow"]: run["status"] for run in send().json()["triggered"]}
    assert statuses["good"] == "success"
    assert statuses["bad"] in ("failed", "pending")


def test_a_heartbeat_may_ask_for_less_but_not_for_more(send):
    for name in ("a", "b", "c"):
        record(f"few_{name}", [{"n": 1}])
    assert send(json.dumps({"max_flows": 1})).json()["flows_triggered"] == 1
    with app_settings_of(MAX_FLOWS=1):
        assert send(json.dumps({"max_flows": 50, "budget": "1h"})).json()["flows_triggered"] == 1


def test_without_a_valid_token_nothing_runs(database):
    record("locked", [{"n": 1}])
    missing = refused(Client().post(URL), 401, "token_missing")
    assert missing["WWW-Authenticate"] == "Bearer"
    refused(sender("adf_wrong")(), 401, "token_invalid")
    assert not DataFlowRun.objects.exists()
    assert not Heartbeat.objects.exists()


def test_who_is_refused(send):
    with app_settings_of(ALLOWED_NETWORKS=["192.0.2.0/24"]):
        refused(send(), 403, "address_not_allowed")
        refused(send(HTTP_X_FORWARDED_FOR="192.0.2.7"), 403, "address_not_allowed")
    with app_settings_of(ALLOWED_NETWORKS=["192.0.2.0/24"], TRUSTED_PROXIES=1):
        assert send(HTTP_X_FORWARDED_FOR="6.6.6.6, 192.0.2.7").status_code == 200
        refused(send(HTTP_X_FORWARDED_FOR="192.0.2.7, 6.6.6.6"), 403, "address_not_allowed")
        refused(send(), 403, "address_unknown")
    _, reader = create_token("reader", ["read"])
    refused(sender(reader)(), 403, "scope_missing")
    with app_settings_of(RATE_LIMIT=1):
        assert int(refused(send(), 429, "too_many_requests")["Retry-After"]) <= 60


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_only_post(send, method):
    assert refused(send(method=method), 405, "method_not_allowed")["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "json_invalid"),
        ('{"a\\u0000": 1}', 400, "json_invalid"),
        ('{"budgte": 1}', 400, "key_unknown"),
        ('{"max_flows": 0}', 400, "option_invalid"),
        ('{"max_flows": true}', 400, "option_invalid"),
        ('{"budget": "soon"}', 400, "option_invalid"),
        ("[" * 10_000, 400, "json_invalid"),
        ("x" * 2**20 + "x", 413, "body_too_large"),
    ],
)
def test_bodies_that_make_no_sense(sqlite_database, body, status, code):
    record("untouched", [{"n": 1}])
    _, token = create_token("pinger")
    refused(sender(token)(body), status, code)
    assert not DataFlowRun.objects.exists()


def test_a_request_that_is_sent_again_runs_nothing_twice(send):
    record("replayed", [{"n": 1}, {"n": 2}])
    answers = [send() for _ in range(5)]
    assert [answer.json()["flows_triggered"] for answer in answers] == [1, 0, 0, 0, 0]
    assert DataFlowRun.objects.count() == 1
    assert written("replayed") == [1, 2]


def test_with_the_database_down_nothing_is_lost(sqlite_database, tmp_path, caplog):
    _, token = create_token("pinger")
    record("patient", [{"n": 1}])
    use_databases(default="postgresql://nobody@127.0.0.1:1/none")
    try:
        down = refused(sender(token)(), 503, "database_unavailable")
        assert down["Retry-After"] == "10"
        assert "nothing was lost from the schedule" in down.json()["detail"]
        assert "127.0.0.1" not in down.content.decode()
        refused(Client().get("/adf/health"), 503, "database_unavailable")
    finally:
        use_databases(default=sqlite_database.url)
    assert "database can't be used" in caplog.text
    assert sender(token)().json()["flows_triggered"] == 1
    assert written("patient") == [1]


def test_settings_that_are_not_valid_are_told_without_their_values(sqlite_database, caplog):
    _, token = create_token("pinger")
    with app_settings_of(TOKEN="env:ADF_NOT_SET"):
        answer = refused(sender(token)(), 500, "misconfigured")
    assert "ADF_NOT_SET" not in answer.content.decode()
    assert "ADF_NOT_SET is not set" in caplog.text


def test_health_needs_no_token(database):
    answer = Client().get("/adf/health")
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "last_heartbeat_at": None,
        "seconds_since_heartbeat": None,
    }
    _, token = create_token("pinger")
    sender(token)()
    answer = Client().get("/adf/health").json()
    assert answer["seconds_since_heartbeat"] < 60
    assert re.match(r"\d{4}-\d\d-\d\dT", answer["last_heartbeat_at"])
    with app_settings_of(ALLOWED_NETWORKS=["192.0.2.0/24"]):
        refused(Client().get("/adf/health"), 403, "address_not_allowed")
    refused(Client().post("/adf/health"), 405, "method_not_allowed")


def test_atomic_requests_are_no_mistake(send):
    from django.db import connection

    record("atomic", [{"n": 1}])
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert send().json()["flows_triggered"] == 1
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert DataFlow.objects.get().last_status == "success"
