from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from django.utils import timezone

from active_data_flow.runtimes.heartbeat.api import flows as flows_api
from active_data_flow.runtimes.heartbeat.models import DataFlow
from active_data_flow.runtimes.heartbeat.security.tokens import create_token

OPERATIONS = {
    "read": """get /flows, get /flows/a, post /flows/a/preview, get /flows/a/rejects, get /flows/a/rejects/groups,
        get /flows/a/rejects/1, get /flows/a/checkpoint, get /runs, get /runs/a, get /runs/a/log, get /connectors,
        get /connectors/sink/file, get /health, get /metrics, get /audit, post /configurations/validate""",
    "run": """post /flows/a/enable, post /flows/a/disable, post /flows/a/run, post /flows/a/pause, post /flows/a/resume,
        post /runs/a/cancel, post /runs/a/retry, post /flows/a/rejects/replay, post /flows/a/rejects/discard""",
    "write": """post /flows, patch /flows/a, delete /flows/a, post /flows/a/checkpoint/reset,
        post /flows/a/checkpoint/rewind, post /configurations/preview""",
}


def operations_of(scope):
    return [operation.split() for operation in OPERATIONS[scope].split(",")]


def test_every_operation_asks_for_a_token_with_its_scope(sqlite_api):
    for scope in OPERATIONS:
        others = tuple(other for other in ("heartbeat", *OPERATIONS) if other != scope)
        for method, path in operations_of(scope):
            bare = Client().generic(method.upper(), f"/adf/api{path}")
            assert (bare.status_code, bare["WWW-Authenticate"]) == (401, "Bearer"), path
            refused = sqlite_api.problem(method, path, status=403, scopes=others)
            assert refused["code"] == "scope_missing", path
            assert sqlite_api.send(method, path, scopes=(scope,)).status_code not in (401, 403), path


def test_no_operation_is_left_out_of_the_test_above(sqlite_api):
    document = sqlite_api.ok("get", "/openapi.json")
    assert sum(len(path) for path in document["paths"].values()) == sum(
        len(operations_of(scope)) for scope in OPERATIONS
    )


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer adf_wrong", "Basic YTpi", "adf_wrong", "Bearer adf_\xff"])
def test_a_wrong_token_is_refused(sqlite_api, value):
    assert Client().get("/adf/api/flows", headers={"Authorization": value}).status_code == 401


def test_an_expired_token_is_refused(sqlite_api):
    _, token = create_token("old", ["read"], expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert Client().get("/adf/api/flows", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_addresses_that_are_not_allowed_get_nothing(sqlite_api):
    token = sqlite_api.token("read")
    with override_settings(ACTIVE_DATA_FLOW={"ALLOWED_NETWORKS": ["10.0.0.0/8"]}):
        for path in ("/flows", "/openapi.json", "/nothing"):
            headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "10.1.1.1"}
            refused = Client().get(f"/adf/api{path}", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "address_not_allowed")
        allowed = Client().get("/adf/api/flows", headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR="10.1.1.1")
        assert allowed.status_code == 200


def test_requests_are_limited(sqlite_api):
    with override_settings(ACTIVE_DATA_FLOW={"RATE_LIMIT": 2}):
        answers = [sqlite_api.send("get", "/connectors", scopes=("read",)) for _ in range(6)]
    refused = answers[-1]
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "line 1"),
        (b"\xff{}", 400, "UTF-8"),
        (b'{"name": "a\\u0000b"}', 400, "NUL"),
        (b'{"name": "\\ud800"}', 400, "surrogate"),
        (b'{"configuration": {"a\\u0000": 1}}', 400, "NUL"),
        (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "deeper"),
        (b'{"name": "a", "name": "b"}', 400, "twice"),
        (b'{"a": NaN}', 400, "no number"),
        (b'{"a": 1e999}', 400, "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", 400, "digits"),
        (b'{"name": "a", "description": "' + b"x" * 2**20 + b'"}', 413, "MAX_BODY"),
        (b"[]", 422, "dictionary"),
        (b"null", 422, ""),
        (b"", 422, ""),
        (b'{"name": "a", "enabled": 0}', 422, "enabled: Input should be a valid boolean"),
        (b'{"name": "a", "enabled": "true"}', 422, "enabled: Input should be a valid boolean"),
        (b'{"name": "a b"}', 422, "name: "),
        (b'{"name": "a", "claim_version": 5}', 422, "claim_version: Extra inputs are not permitted"),
        (b'{"name": "a", "configuration": []}', 422, "configuration: "),
        (b'{"name": "a", "reference": "os:system"}', 422, "no installed app has the flow os:system"),
        (b'{"name": "' + b"a" * 129 + b'"}', 422, "name: "),
    ],
)  # fmt: skip
def test_bad_bodies_are_refused(sqlite_api, body, status, words):
    refused = sqlite_api.problem("post", "/flows", body, status=status)
    assert words in refused["detail"], refused
    assert not DataFlow.objects.exists()


@pytest.mark.parametrize(
    "path", ["/nothing", "/flows/", "/flows/a/nothing", "/docs", "/flows/%00", "/flows/a/rejects/x", "/"]
)
def test_addresses_that_lead_nowhere_are_answered_in_the_same_shape(sqlite_api, path):
    assert sqlite_api.send("get", path).status_code in (404, 422)
    assert sqlite_api.send("get", path)["Content-Type"] == "application/problem+json"


def test_methods_that_are_not_possible_are_told(sqlite_api):
    refused = sqlite_api.send("put", "/flows/prices")
    assert (refused.status_code, refused["Content-Type"]) == (405, "application/problem+json")
    assert {method.strip() for method in refused["Allow"].split(",")} == {"GET", "PATCH", "DELETE"}


def test_a_database_that_is_down_is_told(sqlite_api, monkeypatch):
    def fail(*_, **__):
        raise OperationalError("connection to server at 10.9.9.9 failed")

    monkeypatch.setattr(flows_api, "flows", fail)
    response = sqlite_api.send("get", "/flows")
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert "10.9.9.9" not in response.content.decode()


def test_settings_that_are_not_valid_are_no_fault_of_the_sender(sqlite_api):
    token = sqlite_api.token("read")
    with override_settings(ACTIVE_DATA_FLOW={"RATE_LIMTI": 1}):
        for path in ("/flows", "/openapi.json"):
            refused = Client().get(f"/adf/api{path}", headers={"Authorization": f"Bearer {token}"})
            assert (refused.status_code, refused.json()["code"]) == (500, "misconfigured")
            assert "RATE" not in refused.content.decode()


def test_a_fault_of_ours_gives_nothing_away(sqlite_api, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(flows_api, "flows", fail)
    sqlite_api.client.raise_request_exception = False
    refused = sqlite_api.problem("get", "/flows", status=500)
    assert "secret" not in json.dumps(refused)


def test_a_session_is_no_way_in(sqlite_api):
    from django.contrib.auth.models import User

    user = User.objects.create_superuser(f"root{timezone.now().timestamp()}")
    client = Client()
    client.force_login(user)
    assert client.get("/adf/api/flows").status_code == 401
    user.delete()


def test_requests_work_where_each_is_a_transaction_of_the_project(api):
    from django.db import connection

    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        api.make_flow()
        api.ok("post", "/flows/prices/run", status=202)
        api.problem("post", "/flows/prices/run", status=409)
        assert DataFlow.objects.get().busy
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
