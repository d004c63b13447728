from __future__ import annotations

import datetime as dt
from typing import ClassVar

import pytest
from django.utils import timezone

from active_data_flow.runtimes.heartbeat import execution
from active_data_flow.runtimes.heartbeat.api import run_search
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat
from active_data_flow.runtimes.heartbeat.models import AuditEntry, DataFlow, DataFlowRun

NOW = timezone.now()


def make_runs(*rows, flow=None):
    flow = flow or DataFlow.objects.bulk_create([DataFlow(name="prices")])[0]
    before = DataFlowRun.objects.count()
    DataFlowRun.objects.bulk_create(
        [
            DataFlowRun(flow=flow, fence=before + number, **{"run_id": f"r{before + number}", **row})
            for number, row in enumerate(rows)
        ]
    )
    return flow


def ids(page):
    return [run["run_id"] for run in page["items"]]


def all_ids(api, query):
    found, cursor = [], ""
    for _ in range(50):
        page = api.ok("get", f"/runs?{query}{cursor}")
        found += ids(page)
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"
    raise AssertionError


def test_a_flow_is_run_now_by_the_next_heartbeat(api):
    flow = api.make_flow(enabled=False)
    run = api.ok("post", "/flows/prices/run", status=202)
    assert (run["status"], run["trigger"]) == ("pending", "api")
    assert api.problem("post", "/flows/prices/run", status=409)["code"] == "already_running"
    heartbeat(30)
    done = api.ok("get", f"/runs/{run['run_id']}")
    assert (done["status"], done["records_read"], done["records_written"], done["records_rejected"]) == (
        "success",
        3,
        2,
        1,
    )
    assert done["result"]["guarantee"] == "exactly-once"
    lines = api.ok("get", f"/runs/{run['run_id']}/log?limit=1")
    assert lines["items"][0]["text"] == "run started"
    rest = api.ok("get", f"/runs/{run['run_id']}/log?cursor={lines['next']}")
    assert rest["items"][-1]["text"] == "run finished"
    flow.refresh_from_db()
    assert not flow.busy
    assert list(AuditEntry.objects.values_list("action", "target")) == [("run.requested", f"run {run['run_id']}")]


class Queue:
    """Workers that are far away, or a queue that is down."""

    handover = 300.0
    enqueued: ClassVar[list[str]] = []
    down = False

    def __init__(self, interruption=None):
        pass

    def execute(self, run, budget):
        if self.down:
            raise ConnectionError("queue at 10.9.9.9 is down")
        self.enqueued.append(run.run_id)

    def close(self):
        pass


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(execution, "_factories", [Queue])
    monkeypatch.setattr(Queue, "enqueued", [])
    return Queue


def test_a_run_is_enqueued_at_once_where_there_are_workers(sqlite_api, queue):
    sqlite_api.make_flow()
    run = sqlite_api.ok("post", "/flows/prices/run", status=202)
    assert queue.enqueued == [run["run_id"]]
    assert run["status"] == "pending"


def test_a_queue_that_is_down_is_told_and_the_run_stays(sqlite_api, queue, monkeypatch):
    monkeypatch.setattr(queue, "down", True)
    sqlite_api.make_flow()
    refused = sqlite_api.problem("post", "/flows/prices/run", status=503)
    assert refused["code"] == "queue_unavailable"
    assert "10.9.9.9" not in str(refused)
    assert DataFlowRun.objects.get().status == "pending"


def test_a_run_is_paused_resumed_and_cancelled(api):
    api.make_flow()
    run = api.ok("post", "/flows/prices/run", status=202)
    assert api.ok("post", "/flows/prices/pause", status=202)["paused"]
    heartbeat(30)
    assert api.ok("get", f"/runs/{run['run_id']}")["paused"]
    assert not api.ok("post", "/flows/prices/resume", status=202)["paused"]
    assert api.problem("post", "/flows/prices/resume", status=409)["code"] == "not_paused"
    cancelled = api.ok("post", f"/runs/{run['run_id']}/cancel", status=202)
    assert (cancelled["status"], cancelled["reason"]) == ("failed", "cancelled")
    assert api.problem("post", f"/runs/{run['run_id']}/cancel", status=409)["code"] == "ended"
    assert api.problem("post", "/flows/prices/pause", status=409)["code"] == "not_running"


def test_a_run_that_has_ended_is_run_again(api):
    api.make_flow()
    run = api.ok("post", "/flows/prices/run", status=202)
    assert api.problem("post", f"/runs/{run['run_id']}/retry", status=409)["code"] == "active"
    api.ok("post", f"/runs/{run['run_id']}/cancel", status=202)
    again = api.ok("post", f"/runs/{run['run_id']}/retry", status=202)
    assert (again["status"], again["trigger"]) == ("pending", "retry")
    assert again["run_id"] != run["run_id"]


def test_a_flow_is_taken_off_its_schedule_and_put_back(api):
    api.make_flow()
    assert not api.ok("post", "/flows/prices/disable")["enabled"]
    assert not DataFlow.objects.get().enabled
    assert not api.ok("post", "/flows/prices/disable")["enabled"]
    assert api.ok("post", "/flows/prices/enable")["enabled"]
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["flow.disabled", "flow.enabled"]


def test_runs_are_listed_newest_first_a_page_at_a_time(api):
    make_runs(*[{"status": "success"}] * 5)
    first = api.ok("get", "/runs?limit=2")
    assert ids(first) == ["r4", "r3"]
    assert all_ids(api, "limit=2") == ["r4", "r3", "r2", "r1", "r0"]


def test_runs_are_found_by_what_is_known_of_them(api):
    prices = make_runs(
        {"status": "success", "created_at": NOW - dt.timedelta(days=2)},
        {
            "status": "failed",
            "error": "Timeout of the database",
            "reason": "error",
            "created_at": NOW - dt.timedelta(days=1),
        },
        {"status": "failed", "error": "worker lost", "reason": "lost", "trigger": "api", "created_at": NOW},
    )
    make_runs(
        {"status": "failed", "error": "timeout", "reason": "error"},
        flow=DataFlow.objects.bulk_create([DataFlow(name="b")])[0],
    )
    day = (NOW - dt.timedelta(hours=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query, found in {
        "flow=prices": ["r2", "r1", "r0"],
        "flow=nothing": [],
        "status=failed": ["r3", "r2", "r1"],
        "status=failed&flow=prices": ["r2", "r1"],
        "reason=lost": ["r2"],
        "trigger=api": ["r2"],
        "trigger=api&flow=prices": ["r2"],
        "trigger=manual&flow=prices": [],
        "error=TIMEOUT": ["r3", "r1"],
        "error=timeout&flow=prices": ["r1"],
        "error=100%25": [],
        "error=timeout&status=success": [],
        f"since={day}": ["r3", "r2", "r1"],
        f"until={day}": ["r0"],
        f"since={day}&error=timeout&flow=prices": ["r1"],
        "since=2999-01-01T00:00:00Z": [],
        "until=1999-01-01T00:00:00%2B02:00": [],
    }.items():
        assert all_ids(api, query) == found, query
    assert prices.name == "prices"


def test_a_search_looks_through_so_many_at_a_time_and_goes_on(api, monkeypatch):
    monkeypatch.setattr(run_search, "LOOKED_THROUGH", 3)
    make_runs(*[{"status": "failed", "error": "needle" if number in (1, 4, 8) else "hay"} for number in range(10)])
    first = api.ok("get", "/runs?error=needle")
    assert ids(first) == ["r8"]
    assert first["next"] is not None
    assert all_ids(api, "error=needle") == ["r8", "r4", "r1"]
    assert all_ids(api, "error=needle&limit=1") == ["r8", "r4", "r1"]
    assert all_ids(api, "error=nothing") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=99999999999999999999", "limit=-1", "limit=", "cursor=x", "page=2",
        "cursor=-1", "cursor=99999999999999999999999", "status=done", "statsu=failed", "since=yesterday", "since=5",
        "since=2026-02-30T00:00:00Z", "since=0001-01-01T00:00:00%2B23:59", "error=",
        "error=a%00b", "flow=a%00", "flow=a%20b", "status=failed&status=success", "trigger=0",
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(sqlite_api, query):
    refused = sqlite_api.problem("get", f"/runs?{query}", status=422)
    assert refused["code"] == "not_valid"
    assert refused["errors"]


def test_a_misspelt_filter_is_told(sqlite_api):
    assert "did you mean status?" in sqlite_api.problem("get", "/runs?statsu=failed", status=422)["detail"]


@pytest.mark.parametrize("path", ["/runs/nothing", "/runs/nothing/log"])
def test_a_run_that_is_not_there_is_told(sqlite_api, path):
    assert sqlite_api.problem("get", path, status=404)["code"] == "not_found"


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_nothing_is_done_with_a_run_that_is_not_there(sqlite_api, action):
    sqlite_api.problem("post", f"/runs/nothing/{action}", status=404)


def test_lists_show_the_beginning_of_errors_and_no_tracebacks(sqlite_api):
    make_runs({"status": "failed", "error": "x" * 2000, "traceback": "Traceback"})
    item = sqlite_api.ok("get", "/runs")["items"][0]
    assert (len(item["error"]), "traceback" in item) == (500, False)
    whole = sqlite_api.ok("get", "/runs/r0")
    assert (len(whole["error"]), whole["traceback"]) == (2000, "Traceback")
