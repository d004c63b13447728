"""A flow that writes into the database in which its run, positions and rejected records are kept, too."""

from __future__ import annotations

import itertools

import pytest

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.connectors.active_record import ActiveRecordSink  # noqa: E402  # all of these need Django
from active_data_flow.engine import commit  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, RejectedRecord  # noqa: E402
from django_project.memory_flows import document  # noqa: E402
from django_project.shop.models import Price  # noqa: E402

PRICES = [{"sku": f"s{number}", "name": "tea", "price": "1.50", "currency": "NOK"} for number in range(6)]
_numbers = itertools.count()
BAD = {"sku": "bad", "name": "tea", "price": "dear", "currency": "NOK"}


@pytest.fixture(params=[False, True], ids=["validated", "trusted"])
def flow(request, database):
    name = f"prices{next(_numbers)}"  # positions stay in the sink's table
    sink = ActiveRecordSink(model="shop.Price", mode="upsert", unique_by=["sku"], trusted=request.param)
    options = {"sink": sink.to_document(), "on_error": {"reject": True}, "parallelism": 2, "rerun": {"attempts": 3}}
    return DataFlow.objects.create(name=name, configuration=document(name, [*PRICES, BAD], **options))


def written():
    return list(Price.objects.order_by("sku").values_list("sku", flat=True))


def test_rejected_records_are_staged_within_the_sink_s_transaction(flow):
    heartbeat()
    run = DataFlowRun.objects.get()
    assert (run.status, run.records_written, run.records_rejected, run.error) == ("success", 6, 1, "")
    assert run.result["retries"] == 0
    assert written() == [row["sku"] for row in PRICES]
    assert [(reject.status, reject.field) for reject in RejectedRecord.objects.all()] == [("open", "price")]


def test_a_commit_that_fails_leaves_neither_rows_nor_rejects(flow, monkeypatch):
    def fail(point):
        if point == "before-commit":
            raise RuntimeError("struck")

    monkeypatch.setattr(commit, "crash_point", fail)
    heartbeat()
    assert DataFlowRun.objects.get().records_written == 0
    assert (written(), RejectedRecord.objects.count()) == ([], 0)
    monkeypatch.undo()
    DataFlowRun.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    heartbeat()
    assert (len(written()), RejectedRecord.objects.count()) == (6, 1)
