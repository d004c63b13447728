from __future__ import annotations

import datetime as dt

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat import leases  # noqa: E402  # all of these need Django
from active_data_flow.runtimes.heartbeat.claiming import Claims, claim  # noqa: E402
from active_data_flow.runtimes.heartbeat.database import database as alias  # noqa: E402
from active_data_flow.runtimes.heartbeat.execution import HereExecutor, use_executor  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun  # noqa: E402
from active_data_flow.runtimes.heartbeat.working import Interruption  # noqa: E402
from django_project.memory_flows import document, numbers, record  # noqa: E402

HANDOVER = 300.0


def records(count: int, **settings) -> list[DataFlow]:
    """Flows that are due, the first before the second."""
    made = [record(f"flow{n}", **settings) for n in range(count)]
    for n, flow in enumerate(made):
        DataFlow.objects.filter(pk=flow.pk).update(next_run_at=timezone.now() - dt.timedelta(hours=1, minutes=-n))
    return made


def claimed(claims: Claims, most: int = 100) -> list[str]:
    """Names of the flows of all that is to be had."""
    return [run.flow.name for run in iter(lambda: claims.next(most), None)]


def in_transactions(queries: CaptureQueriesContext) -> int:
    return sum(query["sql"].startswith("BEGIN") for query in queries.captured_queries)


def test_runs_to_hand_over_are_claimed_together_in_the_order_in_which_they_are_due(database):
    records(7)
    with CaptureQueriesContext(connections[alias()]) as queries:
        assert claimed(Claims(HANDOVER)) == [f"flow{n}" for n in range(7)]
    assert in_transactions(queries) == 1
    runs = DataFlowRun.objects.select_related("flow")
    assert {run.status for run in runs} == {"pending"}
    assert all(run.flow.busy and run.fence == run.flow.claim_version for run in runs)
    assert all(run.next_attempt_at > timezone.now() + dt.timedelta(seconds=HANDOVER - 60) for run in runs)


def test_runs_of_this_process_are_claimed_one_by_one_so_that_others_get_theirs(database):
    records(3)
    first, second = Claims(None), Claims(None)
    assert (first.due(), second.due()) == (3, 3)
    assert [first.next().flow.name, second.next().flow.name, first.next().flow.name] == ["flow0", "flow1", "flow2"]
    assert first.next() is None
    assert second.next() is None
    assert set(DataFlowRun.objects.values_list("status", flat=True)) == {"in_progress"}


def test_what_others_were_quicker_with_is_left_to_them(database):
    records(4)
    slow, quick = Claims(HANDOVER), Claims(HANDOVER)
    assert slow.due() == 4  # it has read them
    assert quick.next(1).flow.name == "flow0"
    assert claimed(slow) == ["flow1", "flow2", "flow3"]
    assert DataFlowRun.objects.count() == 4


def test_more_flows_than_are_read_at_a_time_are_counted_and_claimed(sqlite_database):
    records(45)
    claims = Claims(HANDOVER)
    assert claims.due() == 45
    assert claimed(claims) == [f"flow{n}" for n in range(45)]


def test_a_flow_whose_schedule_was_changed_since_it_was_read_keeps_the_new_one(sqlite_database):
    (flow,) = records(1)
    claims = Claims(None)
    assert claims.due() == 1
    flow.configuration = document("flow0", numbers(1), schedule={"every": 7200})
    flow.save()
    assert claims.next().flow.interval == 7200
    flow.refresh_from_db()
    assert flow.next_run_at - timezone.now() > dt.timedelta(minutes=110)


@pytest.mark.parametrize("change", [{"enabled": False}, {"code_missing": True}])
def test_a_flow_that_is_not_to_run_since_it_was_read_is_not_claimed(sqlite_database, change):
    records(1)
    claims = Claims(None)
    assert claims.due() == 1
    DataFlow.objects.update(**change)
    assert claims.next() is None
    assert not DataFlowRun.objects.exists()


def test_flows_of_a_group_are_claimed_alone_and_one_that_can_t_be_is_left_out(database):
    records(2)
    grouped = [record(f"grouped{n}", concurrency_group="api", concurrency=1) for n in range(2)]
    later = timezone.now() - dt.timedelta(minutes=1)
    DataFlow.objects.filter(pk__in=[flow.pk for flow in grouped]).update(next_run_at=later)
    DataFlow.objects.filter(pk=record("last").pk).update(next_run_at=timezone.now())
    claims = Claims(HANDOVER)
    assert claimed(claims) == ["flow0", "flow1", "grouped0", "last"]
    assert list(claims.skipped) == ["grouped1"]
    assert not DataFlow.objects.get(name="grouped1").busy


def test_a_schedule_that_can_t_be_read_does_not_keep_the_others_from_being_claimed(sqlite_database):
    records(3)
    DataFlow.objects.filter(name="flow1").update(interval=None, cron="at noon")
    claims = Claims(HANDOVER)
    assert claimed(claims) == ["flow0", "flow2"]
    assert "cron" in claims.skipped["flow1"]


def test_what_was_claimed_and_not_handed_over_is_the_next_heartbeat_s(database):
    records(5)
    interruption = Interruption()
    given: list[str] = []

    class Queue:
        handover = HANDOVER

        def __init__(self, _interruption):
            pass

        def execute(self, run, budget):
            given.append(run.flow.name)
            if len(given) == 2:
                interruption.interrupt("SIGTERM")

        def close(self):
            pass

    use_executor(Queue)
    try:
        result = heartbeat(interruption=interruption)
        assert (result.flows_due, result.flows_triggered, result.flows_remaining) == (5, 2, 3)
        assert heartbeat(max_flows=2).flows_remaining == 1
        assert heartbeat().flows_remaining == 0
    finally:
        use_executor(HereExecutor)
    assert given == [f"flow{n}" for n in range(5)]
    assert DataFlowRun.objects.count() == 5


def test_a_run_that_was_paused_meanwhile_is_given_back_as_it_is(sqlite_database):
    records(3)
    claims = Claims(HANDOVER)
    claims.next(3)
    assert leases.pause(DataFlowRun.objects.get(flow__name="flow1"))
    claims.give_back()
    waiting = {run.flow.name: run.next_attempt_at for run in DataFlowRun.objects.select_related("flow")}
    assert waiting["flow0"] > timezone.now() + dt.timedelta(seconds=HANDOVER - 60)
    assert waiting["flow1"] is None
    assert waiting["flow2"] <= timezone.now()


def test_times_are_those_of_the_claim_and_not_of_the_moment_when_flows_were_read(sqlite_database, monkeypatch):
    from active_data_flow.runtimes.heartbeat import due_flows

    records(2)
    monkeypatch.setattr(due_flows, "_FRESH", 60.0)
    claims = Claims(None)
    first = claims.next()
    monkeypatch.setattr(due_flows.time, "monotonic", lambda now=due_flows.time.monotonic: now() + 20)
    second = claims.next()
    assert 19 < (second.started_at - first.started_at).total_seconds() < 30
    assert second.lease_expires_at > second.started_at


def test_a_flow_asked_for_by_hand_is_claimed_whether_or_not_it_is_due(sqlite_database):
    flow = record("one")
    DataFlow.objects.update(enabled=False, next_run_at=None)
    run = claim(flow, "manual", None)
    assert (run.status, run.trigger, run.fence) == ("in_progress", "manual", 1)
    assert DataFlow.objects.get().next_run_at is None
