from __future__ import annotations

import csv

import pytest

from active_data_flow.runtimes.heartbeat.models import AuditEntry, DataFlowRun, Pipeline, RejectedRecord


@pytest.fixture
def rejected(api):
    """A flow that has rejected one of three records."""
    flow = api.make_flow()
    flow.trigger_run()
    assert DataFlowRun.objects.get().status == "success"
    return flow


def test_rejected_records_are_listed_grouped_and_shown(api, rejected):
    listed = api.ok("get", "/flows/prices/rejects")["items"]
    assert len(listed) == 1
    reject = listed[0]
    assert (reject["pipeline"], reject["stage"], reject["status"]) == ("prices", "read", "open")
    assert reject["record"]["price"] == "x"
    assert api.ok("get", f"/flows/prices/rejects/{reject['id']}") == reject
    group = api.ok("get", "/flows/prices/rejects/groups")["items"][0]
    assert (group["records"], group["first_id"], group["error_type"]) == (1, reject["id"], reject["error_type"])
    assert api.ok("get", "/flows/prices/rejects?status=replayed")["items"] == []


def test_a_record_is_replayed_after_a_fix(api, rejected):
    configuration = api.configuration(schema={"sku": "string", "price": "string"})
    version = api.ok("get", "/flows/prices")["version"]
    api.ok("patch", "/flows/prices", {"version": version, "configuration": configuration})
    number = api.ok("get", "/flows/prices/rejects")["items"][0]["id"]
    replayed = api.ok("post", "/flows/prices/rejects/replay", {"ids": [number]})
    assert (replayed["records_read"], replayed["records_rejected"]) == (1, 0)
    assert api.ok("get", "/flows/prices/rejects")["items"] == []
    with (api.folder / "prices-out.csv").open() as file:
        assert [row["sku"] for row in csv.DictReader(file)] == ["a", "b", "c"]
    assert api.problem("post", "/flows/prices/rejects/replay", status=409)["code"] == "nothing_open"
    assert AuditEntry.objects.filter(action="rejects.replayed", target="flow prices").count() == 1


def test_a_record_is_given_up(api, rejected):
    number = RejectedRecord.objects.get().pk
    assert (
        api.problem("post", "/flows/prices/rejects/discard", {"ids": [number, number + 1]}, status=409)["code"]
        == "not_open"
    )
    assert api.ok("post", "/flows/prices/rejects/discard", {"ids": [number]}) == {"records": 1}
    assert api.problem("post", "/flows/prices/rejects/discard", {}, status=409)["code"] == "nothing_open"
    assert api.ok("get", f"/flows/prices/rejects/{number}")["status"] == "discarded"
    assert AuditEntry.objects.get(action="rejects.discarded").details["ids"] == [number]


def test_a_busy_flow_replays_nothing(api, rejected):
    api.ok("post", "/flows/prices/run", status=202)
    assert api.problem("post", "/flows/prices/rejects/replay", status=409)["code"] == "already_running"


def test_the_newest_of_all_pipelines_come_first(sqlite_api):
    sqlite_api.make_flow()
    pipelines = [Pipeline.objects.create(name=f"prices/{key}", flow_name="prices") for key in "ab"]
    other = Pipeline.objects.create(name="prices2", flow_name="prices2")
    for number in range(9):
        pipeline = other if number == 8 else pipelines[number % 2]
        RejectedRecord.objects.create(
            pipeline=pipeline, run_id="r", split_id="s", split_key="k", sequence=1, status="open", error=str(number),
            at="2026-01-01T00:00:00Z", record='{"a":1}', error_type="E", stage="read", position="null",
        )  # fmt: skip
    first = sqlite_api.ok("get", "/flows/prices/rejects?limit=5")
    assert [reject["error"] for reject in first["items"]] == ["7", "6", "5", "4", "3"]
    rest = sqlite_api.ok("get", f"/flows/prices/rejects?limit=5&cursor={first['next']}")
    assert [reject["error"] for reject in rest["items"]] == ["2", "1", "0"]
    foreign = RejectedRecord.objects.get(error="8").pk
    sqlite_api.problem("get", f"/flows/prices/rejects/{foreign}", status=404)


def test_secrets_in_records_are_redacted(sqlite_api):
    sqlite_api.make_flow()
    RejectedRecord.objects.create(
        pipeline=Pipeline.objects.create(name="prices", flow_name="prices"), run_id="r", split_id="s", split_key="k",
        sequence=1, status="open", error="at https://u:hunter2@example.org/", at="2026-01-01T00:00:00Z",
        record='{"password":"hunter2","url":"https://u:hunter2@example.org/"}',
        error_type="E", stage="read", position="null",
    )  # fmt: skip
    for path in ("", "/groups"):
        assert "hunter2" not in str(sqlite_api.ok("get", f"/flows/prices/rejects{path}"))


@pytest.mark.parametrize("ids", [[], [0], ["1"], [1.5], [2**63], "all", list(range(1, 1002))])
def test_numbers_of_records_are_checked(sqlite_api, ids):
    sqlite_api.make_flow()
    for action in ("replay", "discard"):
        sqlite_api.problem("post", f"/flows/prices/rejects/{action}", {"ids": ids}, status=422)


@pytest.mark.parametrize("path", ["rejects", "rejects/groups", "rejects/1", "checkpoint"])
def test_a_flow_that_is_not_there_is_told(sqlite_api, path):
    sqlite_api.problem("get", f"/flows/nothing/{path}", status=404)
