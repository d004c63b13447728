from __future__ import annotations

import datetime as dt
import json
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.backends.signals import connection_created
from django.utils import timezone

from active_data_flow.core.errors import AlreadyRunningError, ExecutionError, Then
from django_project.setup import app_settings_of, set_up_django, use_databases

set_up_django()

from active_data_flow.engine.coordinator import Coordinator  # noqa: E402  # all of these need Django
from active_data_flow.engine.replay import replay  # noqa: E402
from active_data_flow.runtimes.heartbeat import leases, signals  # noqa: E402
from active_data_flow.runtimes.heartbeat.claiming import claim  # noqa: E402
from active_data_flow.runtimes.heartbeat.database import DatabaseThread  # noqa: E402
from active_data_flow.runtimes.heartbeat.execution import HereExecutor, use_executor  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.loading import load  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, Heartbeat, RunLogLine  # noqa: E402
from active_data_flow.runtimes.heartbeat.store import DjangoStore  # noqa: E402
from active_data_flow.runtimes.heartbeat.working import Interruption  # noqa: E402
from django_project.memory_flows import document, numbers, place_of, record, written  # noqa: E402


def make_due(*flows: DataFlow) -> None:
    """Let their next time come now."""
    DataFlow.objects.filter(pk__in=[flow.pk for flow in flows]).update(
        next_run_at=timezone.now() - dt.timedelta(seconds=1)
    )


def test_what_is_due_runs_once_and_is_recorded(database):
    flow = record("one", numbers(4))
    slot = flow.next_run_at
    result = heartbeat(source="test")
    assert (result.flows_due, result.flows_triggered, result.flows_remaining) == (1, 1, 0)
    run = DataFlowRun.objects.get()
    assert (run.status, run.trigger, run.records_read, run.records_written) == ("success", "schedule", 4, 4)
    assert run.started_at <= run.ended_at
    assert run.duration == run.ended_at - run.started_at
    assert run.result["status"] == "success"
    assert [line.text for line in run.log_lines.all()] == ["run started", "run finished"]
    assert written("one") == [0, 1, 2, 3]
    flow.refresh_from_db()
    assert (flow.busy, flow.last_status, flow.last_error) == (False, "success", "")
    assert flow.next_run_at == slot + dt.timedelta(minutes=5)
    beat = Heartbeat.objects.get()
    assert (beat.source, beat.flows_triggered, beat.triggered[0]["run_id"]) == ("test", 1, run.run_id)
    assert heartbeat().flows_triggered == 0


def test_downtime_is_made_up_for_by_one_run_and_the_slots_stay(sqlite_database):
    flow = record("late")
    slot = timezone.now() - dt.timedelta(hours=7, seconds=17)
    DataFlow.objects.update(next_run_at=slot)
    heartbeat()
    flow.refresh_from_db()
    assert DataFlowRun.objects.count() == 1
    assert (flow.next_run_at - slot) % dt.timedelta(minutes=5) == dt.timedelta(0)
    assert timezone.now() < flow.next_run_at <= timezone.now() + dt.timedelta(minutes=5)


def test_one_flow_s_failure_does_not_stop_the_others(database):
    DataFlow.objects.bulk_create(
        [DataFlow(name="gone", reference="shop.flows:Gone", next_run_at=timezone.now(), interval=300, priority=9)]
    )
    record("bad", [*numbers(3), "broken"], rerun={"attempts": 1}, priority=5)
    record("good", numbers(2))
    result = heartbeat()
    assert [run["flow"] for run in result.triggered] == ["gone", "bad", "good"]
    gone, bad, good = (DataFlowRun.objects.get(flow__name=name) for name in ("gone", "bad", "good"))
    assert (gone.status, gone.reason, gone.error_type) == ("failed", "error", "ConfigurationError")
    assert "no installed app has the flow shop.flows:Gone" in gone.error
    assert (bad.status, bad.reason, bad.error_type, bad.records_written) == ("failed", "error", "SourceError", 3)
    assert "the script says so" in bad.error
    assert "Traceback" in bad.traceback
    assert (good.status, good.reason) == ("success", "")
    assert DataFlow.objects.get(name="gone").next_run_at > timezone.now()
    assert DataFlow.objects.get(name="bad").last_error == bad.error


def test_a_failed_run_is_tried_again_after_a_pause_as_the_same_run(sqlite_database):
    flow = record("flaky", [*numbers(3), "broken"], rerun={"attempts": 3, "backoff": 20})
    heartbeat()
    run = DataFlowRun.objects.get()
    assert (run.status, run.attempt, run.records_written) == ("pending", 2, 3)
    assert 5 < (run.next_attempt_at - timezone.now()).total_seconds() <= 20
    assert heartbeat().flows_due == 0
    flow.configuration = document("flaky", numbers(6), rerun={"attempts": 3, "backoff": 20})
    flow.save()
    DataFlowRun.objects.update(next_attempt_at=timezone.now())
    assert heartbeat().flows_triggered == 1
    run = DataFlowRun.objects.get()
    assert (run.status, run.attempt, run.records_written, run.error) == ("success", 2, 6, "")
    assert written("flaky") == list(range(6))


def test_an_error_that_no_one_thought_of_is_in_the_record_with_what_the_run_has_told(sqlite_database, monkeypatch):
    def run_all(coordinator, meter):
        raise RuntimeError("a mistake of ours")

    record("odd", rerun={"attempts": 1})
    monkeypatch.setattr(Coordinator, "_run_all", run_all)
    result = heartbeat()
    assert result.skipped == [{"flow": "odd", "why": "RuntimeError: a mistake of ours"}]
    odd = DataFlowRun.objects.get()
    assert (odd.status, odd.error_type, odd.error) == ("failed", "RuntimeError", "a mistake of ours")
    assert "in run_all" in odd.traceback
    assert [line.text for line in odd.log_lines.all()] == ["run finished"]
    assert not DataFlow.objects.get().busy


def test_attempts_end(sqlite_database):
    record("hopeless", ["broken"] * 9, rerun={"attempts": 2, "backoff": 0})
    assert heartbeat().triggered[0]["status"] == "pending"
    run = DataFlowRun.objects.get()
    assert (run.status, run.reason, run.attempt) == ("failed", "error", 2)
    assert not DataFlow.objects.get().busy


def test_a_retry_that_would_come_after_the_next_time_is_left_to_that(sqlite_database):
    record("often", ["broken"], schedule={"every": "10s"}, rerun={"attempts": 5, "backoff": 30})
    heartbeat()
    assert DataFlowRun.objects.get().status == "failed"


def test_a_run_beyond_the_budget_goes_on_at_the_next_tick_as_the_same_run(sqlite_database):
    slow = record("slow", numbers(12), pause=0.1)
    seen = []
    for _ in range(40):
        result = heartbeat(0.5)
        seen.append(len(written("slow")))
        if not result.flows_remaining:
            break
    run = DataFlowRun.objects.get(flow=slow)
    assert (run.status, run.records_written, run.result["records_written"]) == ("success", 12, 12)
    assert written("slow") == list(range(12))
    assert len(set(seen)) > 2, "it was done in one go"
    assert DataFlowRun.objects.filter(flow=slow).count() == 1


@pytest.mark.slow
def test_time_is_shared_so_that_a_long_flow_does_not_starve_the_others(sqlite_database):
    record("long", numbers(400), pause=0.02, priority=5)
    for number in range(3):
        record(f"short{number}", numbers(2))
    heartbeat(8)
    assert [len(written(f"short{number}")) for number in range(3)] == [2, 2, 2]
    assert DataFlowRun.objects.get(flow__name="long").status == "pending"


def test_of_what_is_due_the_important_comes_first_and_no_more_than_asked_for(database):
    for name, priority in (("low", -1), ("high", 10), ("middle", 0)):
        record(name, numbers(1), priority=priority)
    result = heartbeat(max_flows=2)
    assert [run["flow"] for run in result.triggered] == ["high", "middle"]
    assert (result.flows_due, result.flows_remaining) == (3, 1)


def test_a_group_runs_no_more_at_once_than_it_allows_and_says_why(database):
    first, second = record("first", concurrency_group="shop"), record("second", concurrency_group="shop")
    held = claim(first, "manual", 60)
    result = heartbeat()
    assert result.flows_triggered == 0
    assert result.skipped == [{"flow": "second", "why": "1 of the concurrency group shop go on already"}]
    with pytest.raises(AlreadyRunningError, match="group shop"):
        second.trigger_run()
    assert leases.cancel(held)
    assert heartbeat().flows_triggered == 2, "one after the other"


def test_a_flow_is_run_by_hand_whether_or_not_it_is_due(database):
    flow = record("manual", schedule=None, enabled=False)
    assert heartbeat().flows_due == 0
    run = flow.trigger_run()
    assert (run.status, run.trigger) == ("success", "manual")
    waiting = flow.trigger_run(trigger="api", wait=False)
    assert waiting.status == "pending"
    with pytest.raises(AlreadyRunningError, match=f"run {waiting.run_id} is pending"):
        flow.trigger_run()
    assert heartbeat().triggered == [{"flow": "manual", "run_id": waiting.run_id, "status": "success"}]


def test_a_failed_run_by_hand_says_so_in_its_record(sqlite_database):
    run = record("failing", ["broken"], rerun={"attempts": 1}).trigger_run()
    assert (run.status, run.reason) == ("failed", "error")


def test_cancelling_and_pausing_what_waits(database):
    flow = record("waiting", schedule=None)
    run = flow.trigger_run(wait=False)
    assert leases.pause(run)
    run.refresh_from_db()
    assert run.is_paused
    assert heartbeat().flows_due == 0
    assert leases.resume(run)
    assert not leases.resume(run)
    assert leases.cancel(run)
    run.refresh_from_db()
    assert (run.status, run.reason) == ("failed", "cancelled")
    assert not leases.cancel(run)
    assert not leases.pause(run)
    flow.refresh_from_db()
    assert not flow.busy


@pytest.mark.parametrize(("ask", "status"), [(leases.cancel, "failed"), (leases.pause, "pending")])
def test_cancelling_and_pausing_what_runs_stops_it_at_a_checkpoint(sqlite_database, ask, status):
    record("running", numbers(300), pause=0.02, schedule=None)
    asked = []

    def on_start(run, **_):
        asked.append(ask(run))

    signals.flow_started.connect(on_start)
    try:
        with app_settings_of(LEASE="1s"):
            run = DataFlow.objects.get().trigger_run()
    finally:
        signals.flow_started.disconnect(on_start)
    assert asked == [True]
    assert run.status == status
    assert run.reason == ("cancelled" if status == "failed" else "")
    assert run.records_written == len(written("running")) < 300
    assert heartbeat(1).flows_triggered == 0


def test_an_interruption_stops_at_a_checkpoint_and_the_run_goes_on_later(sqlite_database):
    record("one", numbers(30), pause=0.05)
    record("two", numbers(2), priority=-1)
    interruption = Interruption()

    def on_start(run, **_):
        interruption.interrupt("SIGTERM")

    signals.flow_started.connect(on_start)
    try:
        result = heartbeat(interruption=interruption)
    finally:
        signals.flow_started.disconnect(on_start)
    assert [(run["flow"], run["status"]) for run in result.triggered] == [("one", "pending")]
    assert result.flows_remaining == 2
    heartbeat()
    assert DataFlowRun.objects.get(flow__name="one").status == "success"
    assert written("one") == list(range(30))


def test_signals_tell_of_starts_and_ends_and_a_bad_receiver_disturbs_nothing(sqlite_database, caplog):
    record("told")
    told = []

    def listen(sender, run, signal, **_):
        told.append((run.flow.name, run.status))
        raise RuntimeError("a receiver's own trouble")

    for signal in (signals.flow_started, signals.flow_finished):
        signal.connect(listen)
    try:
        heartbeat()
    finally:
        for signal in (signals.flow_started, signals.flow_finished):
            signal.disconnect(listen)
    assert told == [("told", "in_progress"), ("told", "success")]
    assert "a receiver's own trouble" in caplog.text


def test_another_executor_takes_what_was_claimed(sqlite_database):
    record("queued")
    taken = []

    class Queue:
        handover = 300.0

        def __init__(self, _interruption):
            pass

        def execute(self, run, budget):
            taken.append(run.run_id)

        def close(self):
            taken.append("closed")

    use_executor(Queue)
    try:
        result = heartbeat()
        assert (result.flows_triggered, result.triggered[0]["status"]) == (1, "pending")
        assert heartbeat().flows_triggered == 0, "it was handed over, and has 300 s to begin"
        DataFlowRun.objects.update(next_attempt_at=timezone.now())
        assert heartbeat().flows_triggered == 1, "no task has begun it: it is handed over again"
    finally:
        use_executor(HereExecutor)
    run = DataFlowRun.objects.get()
    assert taken == [run.run_id, "closed", "closed", run.run_id, "closed"]


def test_a_heartbeat_connects_once_for_all_its_runs(database):
    record("one")
    record("two")
    made = []

    def listen(connection, **_):
        made.append(threading.current_thread().name)

    connection_created.connect(listen)
    try:
        assert heartbeat().flows_triggered == 2
    finally:
        connection_created.disconnect(listen)
    assert len(made) == 1, "a connection for each of a run's words to the database would cost more than they do"
    assert made[0].startswith("adf-database")


def test_an_executor_that_fails_is_told_and_the_others_go_on(sqlite_database):
    record("one", priority=1)
    record("two")

    class Broken(HereExecutor):
        def execute(self, run, budget):
            if run.flow.name == "one":
                raise OSError("the queue is away")
            super().execute(run, budget)

    use_executor(Broken)
    try:
        result = heartbeat()
    finally:
        use_executor(HereExecutor)
    assert result.skipped == [{"flow": "one", "why": "OSError: the queue is away"}]
    assert [run["status"] for run in result.triggered] == ["in_progress", "success"]
    DataFlowRun.objects.filter(flow__name="one").update(lease_expires_at=timezone.now())
    assert heartbeat().runs_lost == 1, "no one works on it: it is given up, and its flow due again"
    assert list(DataFlowRun.objects.filter(flow__name="one").values_list("status", flat=True)) == ["success", "failed"]


def test_a_second_delivery_of_a_task_does_nothing(database):
    run = record("one").trigger_run(wait=False)
    assert leases.begin(run)
    assert not leases.begin(DataFlowRun.objects.get())


def test_a_lost_run_is_marked_and_its_flow_due_at_once_until_it_is_lost_too_often(database):
    flow = record("lost", rerun={"attempts": 2})
    for losses in (1, 2):
        make_due(flow)
        (claimed,) = [claim(flow, "schedule", 60)]
        assert leases.begin(claimed)
        DataFlowRun.objects.filter(pk=claimed.pk).update(lease_expires_at=timezone.now() - dt.timedelta(seconds=1))
        result = heartbeat(max_flows=0)
        assert result.runs_lost == 1
        claimed.refresh_from_db()
        assert (claimed.status, claimed.reason, claimed.error_type) == ("failed", "lost", "RunLost")
        flow.refresh_from_db()
        assert (flow.busy, flow.losses, flow.last_status) == (False, losses, "failed")
        assert (flow.next_run_at <= timezone.now()) is (losses == 1)
        with pytest.raises(Exception, match="no longer this worker's"):
            leases.succeed(claimed)
        assert DataFlowRun.objects.get(pk=claimed.pk).status == "failed"


def test_a_run_without_an_end_is_given_up(database):
    flow = record("hung")
    run = flow.trigger_run(wait=False)
    assert leases.begin(run)
    DataFlowRun.objects.update(deadline_at=timezone.now() - dt.timedelta(seconds=1))
    heartbeat(max_flows=0)
    run.refresh_from_db()
    assert (run.status, run.reason) == ("failed", "timeout")


def test_a_sign_of_life_in_time_keeps_the_run(database):
    run = record("alive").trigger_run(wait=False)
    assert leases.begin(run)
    DataFlowRun.objects.update(lease_expires_at=timezone.now() - dt.timedelta(seconds=1))
    stale = DataFlowRun.objects.stale().get()  # as a sweep saw it just before
    leases.renew(run)
    assert not leases.lose(stale, "lost", "", again=True)
    assert DataFlowRun.objects.get().status == "in_progress"


def test_workers_clocks_do_not_matter(sqlite_database, monkeypatch):
    record("one")
    for hours in (-5, 5):
        with monkeypatch.context() as patch:
            now = timezone.now
            patch.setattr(timezone, "now", lambda hours=hours, now=now: now() + dt.timedelta(hours=hours))
            make_due_at = DataFlow.objects.get().next_run_at
            due = make_due_at <= now()
            assert heartbeat().flows_triggered == int(due)
    assert DataFlowRun.objects.count() == 1
    assert DataFlowRun.objects.get().status == "success"


def test_the_log_of_a_run_is_bounded_and_says_so(sqlite_database):
    steps = [{"n": -n} for n in range(60)]
    record("noisy", steps, on_error={"reject": True}, log_level="debug")
    with app_settings_of(LOG_LINES=40):
        heartbeat()
    lines = list(RunLogLine.objects.values_list("text", flat=True))
    assert len(lines) <= 40
    assert "further lines are left out" in lines
    assert lines[-1] == "run finished"


def test_rejected_records_are_replayed_from_the_tables(database):
    flow = record("rejecting", [{"n": n} for n in "012x"], on_error={"reject": True}, schema={"n": "int64"})
    heartbeat()
    run = DataFlowRun.objects.get()
    assert (run.records_written, run.records_rejected) == (3, 1)
    flow.configuration = {name: part for name, part in flow.configuration.items() if name != "schema"}
    flow.save()
    with DatabaseThread() as thread:
        store = DjangoStore(thread)
        (reject,) = store.rejects("rejecting")
        assert (reject.record, reject.run_id) == ({"n": "x"}, run.run_id)
        result = replay(load(flow), store)
        assert result.records_written == 1
        assert store.rejects("rejecting") == []
    assert list(DataFlowRun.objects.order_by("pk").values_list("trigger", "status"))[-1] == ("replay", "success")
    assert [row["n"] for row in place_of("rejecting").rows] == [0, 1, 2, "x"]


def test_old_heartbeats_and_runs_are_deleted_in_time(database):
    from active_data_flow.runtimes.heartbeat.sweeping import prune

    record("one")
    heartbeat()
    old = timezone.now() - dt.timedelta(days=100)
    Heartbeat.objects.update(started_at=old)
    assert prune() == 1
    DataFlowRun.objects.update(created_at=old)
    assert prune() > 1
    assert not DataFlowRun.objects.exists()
    assert not RunLogLine.objects.exists()


def test_a_heartbeat_inside_a_transaction_is_refused(sqlite_database):
    with transaction.atomic(), pytest.raises(ExecutionError, match="non_atomic_requests"):
        heartbeat()


def test_a_database_that_is_down_is_a_clear_error_and_loses_nothing(postgres, migrated_databases):
    url = migrated_databases("postgresql")
    use_databases(default=url)
    from django_project.setup import close_connections, empty

    empty()
    record("one", numbers(3))
    postgres.kill()
    try:
        with pytest.raises(ExecutionError, match="what is due stays due") as caught:
            heartbeat()
        assert caught.value.then is Then.RETRY
    finally:
        postgres.start()
    assert heartbeat().flows_triggered == 1
    assert written("one") == [0, 1, 2]
    close_connections()


def test_the_command_runs_what_is_due(sqlite_database):
    record("one", numbers(2))
    out = StringIO()
    call_command("adf_heartbeat", budget="5s", json=True, stdout=out)
    assert json.loads(out.getvalue())["flows_triggered"] == 1
    out = StringIO()
    call_command("adf_heartbeat", stdout=out)
    assert out.getvalue().startswith("0 due, 0 triggered, 0 remaining")
    with pytest.raises(CommandError, match="--every soon: is a time"):
        call_command("adf_heartbeat", every="soon")
