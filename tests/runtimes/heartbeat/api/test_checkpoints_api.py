from __future__ import annotations

import sqlite3

import pytest

from active_data_flow.runtimes.heartbeat.models import AuditEntry, CheckpointSplit, DataFlow, DataFlowRun


@pytest.fixture
def flow(api):
    """A flow that appends to a database, which keeps positions with its data."""
    target = {"type": "sql", "url": f"sqlite:///{api.folder / 'out.db'}", "table": "prices"}
    (api.folder / "in.jsonl").write_text('{"sku":"a"}\n{"sku":"b"}\n')
    source = {"type": "file", "path": str(api.folder / "in.jsonl")}
    DataFlow.objects.bulk_create([DataFlow(name="prices", configuration={"source": source, "sink": target})])
    return DataFlow.objects.get()


def run(flow):
    flow.refresh_from_db()
    done = flow.trigger_run()
    assert done.status == "success", done.error
    return done.records_written


def rows(api):
    with sqlite3.connect(api.folder / "out.db") as connection:
        found = [row[0] for row in connection.execute("select sku from prices order by rowid")]
    connection.close()
    return found


def allowed(api):
    from django.test import override_settings

    schemes = ["https", "sqlite"]
    return override_settings(ACTIVE_DATA_FLOW={"FILE_ROOTS": [str(api.folder)], "URL_SCHEMES": schemes})


def test_positions_are_shown(api, flow):
    with allowed(api):
        assert api.ok("get", "/flows/prices/checkpoint") == {"pipelines": [], "items": [], "next": None}
        assert run(flow) == 2
        found = api.ok("get", "/flows/prices/checkpoint")
        assert [pipeline["name"] for pipeline in found["pipelines"]] == ["prices"]
        split = found["items"][0]
        assert (split["records_read"], split["records_written"], split["finished"]) == (2, 2, True)
        assert "in.jsonl" in split["split"]


def test_a_flow_begins_anew_after_a_reset(api, flow):
    with allowed(api):
        assert run(flow) == 2
        assert run(flow) == 0
        reset = api.ok("post", "/flows/prices/checkpoint/reset")
        assert reset["pipelines"] == ["prices"]
        assert not CheckpointSplit.objects.exists()
        assert DataFlowRun.objects.get(run_id=reset["run_id"]).status == "success"
        assert run(flow) == 2
        assert rows(api) == ["a", "b", "a", "b"]
    entry = AuditEntry.objects.get(action="checkpoint.reset")
    assert entry.details == {"pipelines": ["prices"], "run_id": reset["run_id"]}


def test_a_split_is_read_again_after_a_rewind(api, flow):
    with allowed(api):
        assert run(flow) == 2
        found = api.ok("get", "/flows/prices/checkpoint")["items"]
        split = next(item for item in found if "in.jsonl" in item["split"])
        body = {"pipeline": "prices", "positions": {split["split"]: None}}
        api.ok("post", "/flows/prices/checkpoint/rewind", body)
        again = next(i for i in api.ok("get", "/flows/prices/checkpoint")["items"] if i["split"] == split["split"])
        assert (again["position"], again["finished"]) == (None, False)
        assert run(flow) == 2
        assert rows(api) == ["a", "b", "a", "b"]
    details = AuditEntry.objects.get(action="checkpoint.rewound").details
    assert details["before"] == {split["split"]: split["position"]}
    assert details["after"] == {split["split"]: None}


def test_what_is_not_there_is_not_set_back(api, flow):
    with allowed(api):
        run(flow)
        before = api.ok("get", "/flows/prices/checkpoint")["items"]
        refused = api.problem("post", "/flows/prices/checkpoint/reset", {"pipeline": "pricse"}, status=409)
        assert "did you mean prices?" in refused["detail"]
        body = {"pipeline": "prices", "positions": {"in.jsnl": None}}
        refused = api.problem("post", "/flows/prices/checkpoint/rewind", body, status=409)
        assert "no position of a split" in refused["detail"]
        assert api.ok("get", "/flows/prices/checkpoint")["items"] == before
    assert not AuditEntry.objects.exists()


def test_positions_stay_while_a_run_goes_on(api, flow):
    with allowed(api):
        run(flow)
        api.ok("post", "/flows/prices/run", status=202)
        body = {"pipeline": "prices", "positions": {"a": None}}
        for action, sent in (("reset", {}), ("rewind", body)):
            refused = api.problem("post", f"/flows/prices/checkpoint/{action}", sent, status=409)
            assert refused["code"] == "already_running"
