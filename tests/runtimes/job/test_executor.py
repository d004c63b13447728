"""What a heartbeat does where the job runtime is installed; the tasks are run here, by hand."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.utils import timezone

from active_data_flow.core.errors import ConfigurationError, ExecutionError, SourceError
from django_project.setup import app_settings_of, set_up_django
from services import free_port

set_up_django()

from django_tasks_db.models import DBTaskResult  # noqa: E402

from active_data_flow.runtimes.heartbeat import leases  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun  # noqa: E402
from active_data_flow.runtimes.heartbeat.signals import flow_enqueued, flow_finished, flow_started  # noqa: E402
from active_data_flow.runtimes.job.settings import time_of_one_go  # noqa: E402
from active_data_flow.runtimes.job.task import run_flow  # noqa: E402
from django_project.memory_flows import numbers, record, written  # noqa: E402


def tasks() -> list[tuple[str, int, list]]:
    """Queue, priority and arguments of all tasks, oldest first."""
    found = DBTaskResult.objects.order_by("enqueued_at")
    return [(task.queue_name, task.priority, task.args_kwargs["args"]) for task in found]


def only_run() -> DataFlowRun:
    return DataFlowRun.objects.select_related("flow").get()


def make_due(run: DataFlowRun) -> None:
    DataFlowRun.objects.filter(pk=run.pk).update(next_attempt_at=timezone.now() - dt.timedelta(seconds=1))


@pytest.fixture
def heard():
    """The signals that were sent: kind, flow and the run's status."""
    found = []
    kinds = {"enqueued": flow_enqueued, "started": flow_started, "finished": flow_finished}

    def listen(kind):
        def hear(sender, run, flow_name, duration, **_):
            found.append((kind, flow_name, run.status))
            assert (duration is None) == (kind == "enqueued")

        kinds[kind].connect(hear)
        return hear

    receivers = {kind: listen(kind) for kind in kinds}
    yield found
    for kind, receiver in receivers.items():
        kinds[kind].disconnect(receiver)


def test_a_heartbeat_only_enqueues_and_a_task_does_the_work(enqueuing, heard):
    record("queued", priority=7, queue="night")
    result = heartbeat()
    run = only_run()
    assert (result.flows_due, result.flows_triggered, result.flows_remaining) == (1, 1, 0)
    assert (run.status, run.started_at, written("queued")) == ("pending", None, [])
    assert tasks() == [("night", 7, [run.pk, 1])]
    assert run.task_id == str(DBTaskResult.objects.get().pk)
    assert run.flow.last_run_at is not None
    assert heartbeat().flows_triggered == 0
    run_flow(run.pk, 1)
    assert (only_run().status, only_run().records_written, written("queued")) == ("success", 4, [0, 1, 2, 3])
    assert not only_run().flow.busy
    assert heard == [
        ("enqueued", "queued", "pending"),
        ("started", "queued", "in_progress"),
        ("finished", "queued", "success"),
    ]


def test_a_run_by_hand_is_enqueued_at_once(enqueuing):
    flow = record("by_hand", enabled=False)
    run = flow.trigger_run()
    assert (run.status, run.trigger) == ("pending", "manual")
    assert tasks() == [("default", 0, [run.pk, 1])]
    flow.refresh_from_db()
    assert flow.last_run_at is not None
    run_flow(run.pk, 1)
    assert written("by_hand") == [0, 1, 2, 3]


def test_a_task_is_enqueued_when_others_can_see_its_run(enqueuing):
    flow = record("in_a_transaction")
    with transaction.atomic():
        flow.trigger_run()
        assert tasks() == []
    assert len(tasks()) == 1


def test_a_transaction_that_fails_leaves_no_task(enqueuing):
    flow = record("rolled_back")
    with transaction.atomic():
        flow.trigger_run()
        transaction.set_rollback(True)
    assert tasks() == []
    assert not DataFlowRun.objects.exists()
    assert not DataFlow.objects.get().busy


def test_a_queue_that_is_not_there_fails_the_run_and_keeps_the_schedule(enqueuing):
    record("astray", queue="nigth")
    record("well")
    result = heartbeat()
    run = DataFlowRun.objects.select_related("flow").get(flow__name="astray")
    assert (run.status, run.reason, run.error_type) == ("failed", "error", "ConfigurationError")
    assert "there is no queue 'nigth'; did you mean night?" in run.error
    assert "there are: default, night" in run.error
    assert run.flow.last_error == run.error
    assert not run.flow.busy
    assert run.flow.next_run_at > timezone.now()
    assert [skipped["flow"] for skipped in result.skipped] == ["astray"]
    assert [queue for queue, *_ in tasks()] == ["default"]
    with pytest.raises(ConfigurationError, match="there is no queue 'nigth'"):
        run.flow.trigger_run()


def test_a_queue_that_is_away_is_tried_again_by_the_next_heartbeat(enqueuing):
    record("patient")
    away = {"BACKEND": "rq", "OPTIONS": {"url": f"redis://127.0.0.1:{free_port()}/0"}}
    with app_settings_of(JOB=away):
        result = heartbeat()
        assert "the next heartbeat tries again" in result.skipped[0]["why"]
        assert (only_run().status, only_run().error_type) == ("pending", "ConnectionError")
        with pytest.raises(ExecutionError, match="could not be enqueued: ConnectionError"):
            record("impatient").trigger_run()
    assert heartbeat().flows_triggered == 2
    assert len(tasks()) == 2


def test_a_run_whose_task_was_lost_is_enqueued_again(enqueuing):
    record("forgotten")
    heartbeat()
    DBTaskResult.objects.all().delete()
    heartbeat()
    assert tasks() == []
    make_due(only_run())  # as it is when the handover has passed
    heartbeat()
    assert len(tasks()) == 1
    assert only_run().next_attempt_at > timezone.now() + dt.timedelta(seconds=200)


def test_what_a_killed_heartbeat_had_claimed_and_not_enqueued_is_enqueued_soon(enqueuing):
    for n in range(5):
        record(f"flow{n}")
    connections.close_all()
    killed = subprocess.run(
        [sys.executable, "-m", "django_project.child", "enqueue_and_die", "2"],
        env={**os.environ, "ADF_TEST_DATABASE": enqueuing.url, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (len(tasks()), DataFlowRun.objects.count()) == (2, 5)
    waiting = DataFlowRun.objects.filter(task_id="")
    assert all(run.next_attempt_at < timezone.now() + dt.timedelta(seconds=31) for run in waiting)
    assert heartbeat().flows_triggered == 0
    waiting.update(next_attempt_at=timezone.now())
    assert heartbeat().flows_triggered == 3
    assert sorted(args[0] for _, _, args in tasks()) == sorted(DataFlowRun.objects.values_list("pk", flat=True))


def test_two_deliveries_at_once_run_once(enqueuing):
    record("twice", numbers(40))
    heartbeat()
    key = only_run().pk
    gate = threading.Barrier(4)

    def deliver():
        gate.wait()
        run_flow(key, 1)
        connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_flow(key, 1)
    assert written("twice") == list(range(40))
    assert (only_run().status, only_run().records_written) == ("success", 40)


def test_a_failed_attempt_is_recorded_raised_and_repeated_after_its_pause(enqueuing):
    record("failing", [{"n": 0}, "broken"], rerun={"attempts": 2, "backoff": 60})
    heartbeat()
    run = only_run()
    with pytest.raises(SourceError, match="the script says so"):
        run_flow(run.pk, 1)
    run = only_run()
    assert (run.status, run.attempt, run.error_type) == ("pending", 2, "SourceError")
    pause = (run.next_attempt_at - timezone.now()).total_seconds()
    assert 25 < pause < 61
    run_flow(run.pk, 1)  # comes late: this attempt is over
    assert only_run().status == "pending"
    assert heartbeat().flows_triggered == 0
    make_due(run)
    assert heartbeat().flows_triggered == 1
    assert tasks()[-1] == ("default", 0, [run.pk, 2])
    with pytest.raises(SourceError):
        run_flow(run.pk, 2)
    run = only_run()
    assert (run.status, run.reason, run.flow.busy) == ("failed", "error", False)
    assert "the script says so" in run.flow.last_error


def test_no_more_runs_of_a_group_are_enqueued_than_it_allows(enqueuing):
    for number in range(4):
        record(f"shared_{number}", concurrency_group="database", concurrency=2)
    heartbeat()
    assert len(tasks()) == 2
    run_flow(*tasks()[0][2])
    heartbeat()
    assert len(tasks()) == 3


def test_the_most_important_are_enqueued_first(enqueuing):
    for name, priority in {"low": -5, "high": 9, "middle": 0}.items():
        record(name, priority=priority)
    heartbeat(max_flows=2)
    assert [priority for _, priority, _ in tasks()] == [9, 0]


@pytest.mark.parametrize("meanwhile", ["deleted", "cancelled", "disabled", "paused"])
def test_a_task_that_has_become_pointless_does_nothing(enqueuing, meanwhile):
    flow = record(meanwhile)
    heartbeat()
    run = only_run()
    if meanwhile == "deleted":
        DataFlowRun.objects.all().delete()
    elif meanwhile == "disabled":
        flow.enabled = False
        flow.save()
    else:
        assert (leases.cancel if meanwhile == "cancelled" else leases.pause)(run)
    run_flow(run.pk, 1)
    assert written(meanwhile) == []


def test_a_run_that_has_used_up_its_time_goes_on_later(enqueuing):
    record("long", [*numbers(2), "pause 1m", *numbers(2, 2)])
    with app_settings_of(JOB={"BUDGET": 0.2}):
        heartbeat()
        run_flow(only_run().pk, 1)
        assert (only_run().status, written("long")) == ("pending", [0, 1])
        assert heartbeat().flows_triggered == 1
        assert len(tasks()) == 2


def test_the_time_of_a_go_ends_before_the_run_would_be_given_up():
    with app_settings_of(RUN_TIMEOUT=100):
        assert time_of_one_go() == 90
    with app_settings_of(JOB={"BUDGET": "10m"}):
        assert time_of_one_go() == 600


def test_a_queue_of_the_project_s_own_runs_flows_too(enqueuing):
    record("in_threads")
    with app_settings_of(JOB={"BACKEND": "job_backends.Threads"}):
        heartbeat()
        threads = [thread for thread in threading.enumerate() if thread.name == only_run().task_id]
        for thread in threads:
            thread.join()
    assert only_run().status == "success"
    assert written("in_threads") == [0, 1, 2, 3]
