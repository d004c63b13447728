from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone

from active_data_flow.runtimes.heartbeat.api.urls import api_urls
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat
from active_data_flow.runtimes.heartbeat.metrics import Metric, to_prometheus
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, Heartbeat, RejectedRecord

LINE = re.compile(r'adf_[a-z_]+(\{[a-z]+="[a-z_]+"\})? -?[0-9.e+]+')


def figures(api):
    response = api.send("get", "/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in response.content.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_figures_are_there_before_anything_has_happened(api):
    found = figures(api)
    assert found['adf_flows{enabled="true"}'] == 0
    assert found["adf_flow_lag_seconds"] == 0
    assert "adf_heartbeat_age_seconds" not in found


def test_figures_tell_what_has_happened(api):
    now = timezone.now()
    api.make_flow()
    api.make_flow("other", enabled=False)
    heartbeat(30)
    DataFlow.objects.get(name="prices").trigger_run()
    DataFlow.objects.filter(name="prices").update(next_run_at=now - dt.timedelta(minutes=5))
    DataFlowRun.objects.create(
        flow=DataFlow.objects.get(name="other"), run_id="silent", fence=99, status="in_progress",
        lease_owner="w", lease_expires_at=now - dt.timedelta(seconds=40),
    )  # fmt: skip
    assert RejectedRecord.objects.count() == 1
    found = figures(api)
    assert found['adf_flows{enabled="true"}'] == found['adf_flows{enabled="false"}'] == 1
    assert found["adf_flows_due"] == 1
    assert 299 < found["adf_flow_lag_seconds"] < 400
    assert found['adf_runs_active{status="in_progress"}'] == 1
    assert found['adf_runs_active{status="pending"}'] == 0
    assert 99 < found["adf_oldest_lease_seconds"] < 200
    assert found['adf_recent_runs{status="success"}'] == 1
    assert found['adf_recent_records_read{status="success"}'] == 3
    assert found['adf_recent_records_rejected{status="success"}'] == 1
    assert 0 < found['adf_recent_run_seconds_longest{status="success"}'] < 60
    assert found["adf_rejected_records_open"] == 1
    assert 0 <= found["adf_heartbeat_age_seconds"] < 120
    health = api.ok("get", "/health")
    assert (health["flows_due"], health["runs_in_progress"], health["runs_silent"]) == (1, 1, 1)
    assert health["last_heartbeat_at"] is not None
    assert 299 < health["longest_due_seconds"] < 400


def test_no_figure_is_labelled_by_flow(sqlite_api):
    for number in range(3):
        sqlite_api.make_flow(f"flow{number}")
    assert "flow0" not in sqlite_api.send("get", "/metrics").content.decode()


def test_prometheus_reads_help_type_and_value():
    text = to_prometheus([Metric("flows_due", "Flows that are due.", {(): 2})])
    assert text == "# HELP adf_flows_due Flows that are due.\n# TYPE adf_flows_due gauge\nadf_flows_due 2\n"


def test_health_before_anything_has_happened(sqlite_api):
    Heartbeat.objects.all().delete()
    health = sqlite_api.ok("get", "/health")
    assert (health["last_heartbeat_at"], health["flows_due"], health["longest_due_seconds"]) == (None, 0, 0)


def test_connectors_are_listed_with_their_options(sqlite_api):
    listed = sqlite_api.ok("get", "/connectors")["items"]
    assert {"source file", "sink sql", "transform filter", "runtime local"} <= {
        f"{item['kind']} {item['name']}" for item in listed
    }
    shown = sqlite_api.ok("get", "/connectors/source/file")
    assert shown["json_schema"]["properties"]["path"]["description"]
    assert next(option for option in shown["options"] if option["name"] == "path")["required"]
    sqlite_api.problem("get", "/connectors/source/fiel", status=404)
    sqlite_api.problem("get", "/connectors/pump/file", status=422)


def test_the_audit_log_is_listed_newest_first(api):
    api.make_flow("alpha")
    api.make_flow("beta")
    for name in ("alpha", "beta", "alpha"):
        for action in ("disable", "enable"):
            api.ok("post", f"/flows/{name}/{action}")
    first = api.ok("get", "/audit?limit=3")
    assert [entry["action"] for entry in first["items"]] == ["flow.enabled", "flow.disabled", "flow.enabled"]
    assert first["items"][0]["actor"] == "token read-run-write"
    assert first["items"][0]["address"] == "127.0.0.1"
    rest = api.ok("get", f"/audit?limit=3&cursor={first['next']}")
    assert (len(rest["items"]), rest["next"]) == (3, None)
    assert len(api.ok("get", "/audit?target=flow%20beta")["items"]) == 2
    assert len(api.ok("get", "/audit?action=flow.enabled&target=flow%20alpha")["items"]) == 2


def test_the_first_rows_are_previewed_and_nothing_is_written(api):
    flow = api.make_flow()
    preview = api.ok("post", "/flows/prices/preview", {"rows": 1})["pipelines"]
    assert [pipeline["pipeline"] for pipeline in preview] == ["prices"]
    assert preview[0]["rows"] == [{"sku": "a", "price": 1}]
    assert preview[0]["columns"] == [{"name": "sku", "type": "string"}, {"name": "price", "type": "int64"}]
    assert preview[0]["rejects"][0]["record"]["price"] == "x"
    body = {
        "name": "other",
        "configuration": flow.configuration | {"transforms": [{"type": "filter", "where": "price > 1"}]},
    }
    assert api.ok("post", "/configurations/preview", body)["pipelines"][0]["rows"] == [{"sku": "b", "price": 2}]
    assert not (api.folder / "prices-out.csv").exists()
    assert not DataFlowRun.objects.exists()


def test_secrets_in_previewed_rows_are_redacted(sqlite_api):
    path = sqlite_api.folder / "users.jsonl"
    path.write_text('{"user":"a","password":"hunter2","ratio":NaN,"at":"2026-01-01"}\n'.replace("NaN", "0.5"))
    configuration = sqlite_api.configuration(source={"type": "file", "path": str(path)})
    del configuration["schema"]
    rows = sqlite_api.ok("post", "/configurations/preview", {"name": "a", "configuration": configuration})
    assert rows["pipelines"][0]["rows"] == [{"user": "a", "password": "********", "ratio": 0.5, "at": "2026-01-01"}]


def test_a_preview_of_what_can_t_be_read_is_told(sqlite_api):
    sqlite_api.make_flow()
    (sqlite_api.folder / "prices.csv").unlink()
    assert "prices.csv" in sqlite_api.problem("post", "/flows/prices/preview", status=409)["detail"]


@pytest.mark.parametrize("rows", [0, 101, "5", 1.5, None])
def test_rows_of_a_preview_are_bounded(sqlite_api, rows):
    sqlite_api.make_flow()
    sqlite_api.problem("post", "/flows/prices/preview", {"rows": rows}, status=422)


def test_the_document_names_addresses_scopes_and_problems(sqlite_api):
    document = sqlite_api.ok("get", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    operation = document["paths"]["/adf/api/flows/{name}/run"]["post"]
    assert operation["security"] == [{"Token": ["run"]}]
    assert set(operation["responses"]) == {"202", "400", "401", "403", "404", "409", "413", "422", "429", "500", "503"}
    assert list(operation["responses"]["409"]["content"]) == ["application/problem+json"]
    assert "cdn" not in str(document).lower()


def test_urls_can_be_made_several_times():
    assert len(api_urls()) == len(api_urls()) == 3
