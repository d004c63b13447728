from __future__ import annotations

import pytest

from active_data_flow.runtimes.heartbeat.models import AuditEntry, DataFlow

SQL = {"type": "sql", "table": "t"}


def actions():
    return list(AuditEntry.objects.order_by("pk").values_list("actor", "action", "target"))


def test_a_flow_is_made_shown_changed_and_deleted(api):
    made = api.ok(
        "post", "/flows", {"name": "prices", "configuration": api.configuration(schedule={"every": "5m"})}, 201
    )
    assert made["schedule"] == "every 5 min"
    assert made["enabled"]
    shown = api.ok("get", "/flows/prices")
    assert shown == made
    change = {
        "version": shown["version"],
        "description": "hourly",
        "configuration": api.configuration(schedule={"every": "1h"}),
    }
    changed = api.ok("patch", "/flows/prices", change)
    assert (changed["description"], changed["schedule"]) == ("hourly", "every 1 h")
    assert changed["version"] != shown["version"]
    assert DataFlow.objects.get().interval == 3600
    api.ok("delete", "/flows/prices", status=204)
    assert not DataFlow.objects.exists()
    sender = "token read-run-write"
    assert actions() == [(sender, f"flow.{action}", "flow prices") for action in ("created", "changed", "deleted")]


def test_the_answer_of_a_new_flow_says_where_it_is(sqlite_api):
    response = sqlite_api.send("post", "/flows", {"name": "prices", "configuration": sqlite_api.configuration()})
    assert response["Location"] == "/adf/api/flows/prices"


def test_a_change_to_an_older_version_is_refused(api):
    api.make_flow()
    version = api.ok("get", "/flows/prices")["version"]
    api.ok("patch", "/flows/prices", {"version": version, "description": "one"})
    refused = api.problem("patch", "/flows/prices", {"version": version, "description": "two"}, status=409)
    assert refused["code"] == "version_outdated"
    assert DataFlow.objects.get().description == "one"


def test_runs_don_t_change_the_version(api):
    flow = api.make_flow()
    version = api.ok("get", "/flows/prices")["version"]
    DataFlow.objects.filter(pk=flow.pk).update(claim_version=7, last_status="failed", last_error="oh")
    assert api.ok("get", "/flows/prices")["version"] == version


def test_lists_are_filtered_and_paged(api):
    for name in ("alpha", "beta", "gamma"):
        api.make_flow(name, enabled=name != "beta")
    first = api.ok("get", "/flows?limit=2")
    assert [flow["name"] for flow in first["items"]] == ["alpha", "beta"]
    rest = api.ok("get", f"/flows?limit=2&cursor={first['next']}")
    assert [flow["name"] for flow in rest["items"]] == ["gamma"]
    assert rest["next"] is None
    assert [flow["name"] for flow in api.ok("get", "/flows?enabled=false")["items"]] == ["beta"]
    assert [flow["name"] for flow in api.ok("get", "/flows?name=AMM")["items"]] == ["gamma"]
    assert api.ok("get", "/flows?last_status=failed&busy=true")["items"] == []


def test_what_has_not_changed_is_not_sent_again(sqlite_api):
    sqlite_api.make_flow()
    first = sqlite_api.send("get", "/flows")
    etag = first["ETag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = sqlite_api.send("get", "/flows", headers={"If-None-Match": given})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    DataFlow.objects.update(last_status="failed")
    assert sqlite_api.send("get", "/flows", headers={"If-None-Match": etag}).status_code == 200


def test_names_are_unique(api):
    api.make_flow()
    refused = api.problem("post", "/flows", {"name": "prices", "configuration": api.configuration()}, status=409)
    assert refused["code"] == "name_taken"


def test_a_busy_flow_is_not_deleted(sqlite_api):
    flow = sqlite_api.make_flow()
    DataFlow.objects.filter(pk=flow.pk).update(busy=True)
    assert sqlite_api.problem("delete", "/flows/prices", status=409)["code"] == "busy"
    assert DataFlow.objects.exists()


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_flow_that_is_not_there_is_told(sqlite_api, method):
    body = {"version": "0" * 16} if method == "patch" else None
    assert sqlite_api.problem(method, "/flows/nothing", body, status=404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"source": {"type": "fiel"}}, "configuration.source", "did you mean file?"),
        ({"source": {"type": "file", "pth": "x"}}, "configuration.source.pth", "did you mean path?"),
        ({"parallelism": 0}, "configuration.parallelism", "greater than or equal to 1"),
        ({"schedule": {"every": "never"}}, "configuration.schedule.every", "time"),
        ({"sink": {**SQL, "url": "postgresql://u:secret@db.example.org/x"}}, "configuration.sink.url", "clear"),
        ({"source": {"type": "file", "path": "/etc/passwd"}}, "configuration.source", "FILE_ROOTS"),
        ({"sink": {**SQL, "url": "postgresql://127.0.0.1/x"}}, "configuration.sink.url", "not public"),
        ({"transforms": [{"type": "python", "function": "os.system"}]}, "configuration.transforms.0", "registered"),
    ],
)  # fmt: skip
def test_a_bad_configuration_is_refused_with_the_paths_of_its_faults(sqlite_api, change, path, message):
    configuration = sqlite_api.configuration() | change
    for name, where in (("validate", "/configurations/validate"), ("create", "/flows")):
        body = {"name": "prices", "configuration": configuration}
        if name == "validate":
            verdict = sqlite_api.ok("post", where, body)
            assert not verdict["valid"]
        else:
            verdict = sqlite_api.problem("post", where, body, status=422)
        faults = {fault["path"]: fault["message"] for fault in verdict["errors"]}
        assert path in faults, faults
        assert message in faults[path]
        assert "secret@" not in str(verdict)
    assert not DataFlow.objects.exists()


def test_a_change_that_is_not_valid_changes_nothing(sqlite_api):
    sqlite_api.make_flow()
    shown = sqlite_api.ok("get", "/flows/prices")
    change = {"version": shown["version"], "configuration": {}, "description": "new"}
    assert sqlite_api.problem("patch", "/flows/prices", change, status=422)["errors"]
    assert sqlite_api.ok("get", "/flows/prices") == shown


def test_a_flow_whose_code_is_gone_can_still_be_described_and_taken_off(sqlite_api):
    DataFlow.objects.bulk_create([DataFlow(name="gone", reference="shop.flows:Gone")])
    shown = sqlite_api.ok("get", "/flows/gone")
    changed = sqlite_api.ok("patch", "/flows/gone", {"version": shown["version"], "description": "old"})
    assert changed["description"] == "old"
    assert not sqlite_api.ok("post", "/flows/gone/disable")["enabled"]
    refused = sqlite_api.problem("post", "/flows/gone/preview", status=422)
    assert "shop.flows:Gone" in refused["detail"]


def test_a_valid_configuration_is_told_to_be_so(sqlite_api):
    body = {"name": "prices", "configuration": sqlite_api.configuration()}
    assert sqlite_api.ok("post", "/configurations/validate", body) == {"valid": True, "errors": []}


def test_references_to_secrets_are_shown_and_secrets_are_not(sqlite_api):
    flow = sqlite_api.make_flow()
    DataFlow.objects.filter(pk=flow.pk).update(
        configuration=flow.configuration | {"a": {"password": "hunter2", "token": "env:ADF_TOKEN"}}
    )
    shown = sqlite_api.ok("get", "/flows/prices")["configuration"]["a"]
    assert shown == {"password": "********", "token": "env:ADF_TOKEN"}
