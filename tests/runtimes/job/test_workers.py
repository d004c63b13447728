"""Workers of each queue in processes of their own: stopped, killed, frozen; no record is lost or doubled."""

from __future__ import annotations

import itertools
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone

from django_project.setup import app_settings_of, close_connections, empty, set_up_django, use_databases
from job_workers import Queue, Worker, wait_for

set_up_django()

from active_data_flow.runtimes.heartbeat import leases  # noqa: E402
from active_data_flow.runtimes.heartbeat.execution import HereExecutor, use_executor  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun  # noqa: E402
from active_data_flow.runtimes.job.executor import QueueExecutor  # noqa: E402

_numbers = itertools.count(1)
slow = pytest.mark.slow
ALL = ["tasks-sqlite", pytest.param("tasks-postgresql", marks=slow), pytest.param("rq", marks=slow),
       pytest.param("celery", marks=slow)]  # fmt: skip


class Depot:
    """A project with workers, and a flow that writes numbers.

    Args:
        queue: The queue and its databases.
        folder: Where logs are.
    """

    def __init__(self, queue: Queue, folder: Path) -> None:
        self.queue, self.folder = queue, folder
        self.workers: list[Worker] = []

    def start(self) -> Worker:
        self.workers.append(Worker(self.queue, self.folder))
        return self.workers[-1]

    def flow(self, count: int, pause: float = 0.0, **options) -> DataFlow:
        """A flow that is due, and writes so many numbers."""
        script = {"a": [{"n": number} for number in range(count)]}
        configuration = {
            "source": {"script": script},
            "pause": pause,
            "schedule": {"every": "1h"},
            "rerun": {"attempts": 20, "backoff": 0.2, "max_backoff": 0.5},
            **options,
        }
        reference = "django_project.depot.flows:Counting"
        # in a name of its own: what an earlier test has written to the same database is another flow's
        return DataFlow.objects.create(
            name=f"counting_{next(_numbers)}", reference=reference, configuration=configuration
        )

    def rows(self) -> list[int]:
        """What has been committed, in order."""
        try:
            return self._rows()
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return []

    def _rows(self) -> list[int]:
        sql = "SELECT n FROM numbers ORDER BY n"
        if self.queue.target.startswith("postgresql"):
            with psycopg.connect(self.queue.target) as connection:
                return [row[0] for row in connection.execute(sql)]
        with closing(sqlite3.connect(self.queue.target.removeprefix("sqlite:///"), timeout=10)) as connection:
            return [row[0] for row in connection.execute(sql)]

    def wait_for_rows(self, count: int) -> None:
        """Wait till so many are committed."""
        wait_for(lambda: len(self.rows()) >= count, beat=heartbeat)

    def wait_for_end(self) -> DataFlowRun:
        """Send heartbeats until a run has succeeded; the run."""
        return wait_for(DataFlowRun.objects.filter(status="success").first, beat=heartbeat)

    def logs(self) -> str:
        runs = [str(values) for values in DataFlowRun.objects.values()]
        return "\n".join(runs + [worker.log.read_text(errors="replace")[-3000:] for worker in self.workers])


def queue_of(kind: str, request: pytest.FixtureRequest, databases: Callable[[str], str], folder: Path) -> Queue:
    name, _, vendor = kind.partition("-")
    database = databases(vendor or "sqlite")
    target = database if vendor == "postgresql" else f"sqlite:///{folder / 'depot.db'}"
    if name == "tasks":
        return Queue(name, {}, database, target)
    broker = request.getfixturevalue("redis").url(1 if name == "rq" else 2)
    return Queue(name, {"url": broker} if name == "rq" else {}, database, target, {"ADF_TEST_BROKER": broker})


@pytest.fixture
def depot(
    request: pytest.FixtureRequest, migrated_databases: Callable[[str], str], tmp_path: Path, monkeypatch
) -> Iterator[Depot]:
    queue = queue_of(request.param, request, migrated_databases, tmp_path)
    monkeypatch.setenv("DEPOT_DATABASE", queue.target)
    if queue.name == "celery":
        from django_project.celery_app import app

        app.conf.broker_url = queue.environment["ADF_TEST_BROKER"]
    use_databases(default=queue.database)
    empty()
    use_executor(QueueExecutor)
    depot = Depot(queue, tmp_path)
    with app_settings_of(**queue.settings):
        yield depot
    use_executor(HereExecutor)
    for worker in depot.workers:
        worker.kill()
    if queue.target.startswith("postgresql"):
        with psycopg.connect(queue.target) as connection:
            connection.execute("DROP TABLE IF EXISTS numbers")
    print(depot.logs())  # shown where the test fails
    close_connections()


@pytest.fixture(autouse=True)
def _code_of_the_depot(monkeypatch) -> None:
    """The flow is one of an app that is installed in the workers only."""
    from active_data_flow.runtimes.heartbeat import discovery
    from django_project.depot.flows import Counting

    found = discovery.Discovered({"django_project.depot.flows:Counting": Counting})
    monkeypatch.setattr("active_data_flow.runtimes.heartbeat.loading.discover", lambda: found)


@pytest.mark.parametrize("depot", ALL, indirect=True)
def test_a_worker_runs_what_heartbeats_enqueue(depot):
    depot.flow(6)
    depot.start()
    run = depot.wait_for_end()
    assert (run.records_written, run.attempt, depot.rows()) == (6, 1, list(range(6)))
    assert str(depot.workers[0].process.pid) in run.lease_owner or depot.queue.name != "tasks"
    assert run.task_id
    assert DataFlowRun.objects.count() == 1


@pytest.mark.parametrize("depot", ALL, indirect=True)
def test_a_killed_worker_s_run_is_resumed_exactly_once(depot):
    depot.flow(60, pause=0.02)
    first = depot.start()
    depot.wait_for_rows(10)
    first.kill()
    written = len(depot.rows())
    depot.start()
    run = depot.wait_for_end()
    assert depot.rows() == list(range(60))
    lost = DataFlowRun.objects.get(status="failed")
    assert (lost.reason, run.records_written) == ("lost", 60 - written)
    assert run.attempt == 1


@pytest.mark.slow
@pytest.mark.parametrize("depot", ["tasks-sqlite", "tasks-postgresql", "rq", "celery"], indirect=True)
def test_however_often_workers_are_killed_each_record_is_there_once(depot):
    depot.flow(200, pause=0.01)
    for kill in range(4):
        worker = depot.start()
        depot.wait_for_rows(20 + 40 * kill)
        time.sleep(0.013 * kill)
        worker.kill()
    depot.start()
    depot.wait_for_end()
    assert depot.rows() == list(range(200))
    assert {run.reason for run in DataFlowRun.objects.filter(status="failed")} == {"lost"}


# on PostgreSQL only: who is frozen while it holds the lock of an SQLite file holds up everyone
@pytest.mark.parametrize(
    "depot",
    [pytest.param(kind, marks=slow) for kind in ("tasks-postgresql", "rq-postgresql", "celery-postgresql")],
    indirect=True,
)
def test_a_frozen_worker_is_fenced_off_when_it_wakes(depot, tmp_path):
    depot.flow(40, pause=0.01, freeze_at=11, frozen=str(tmp_path / "frozen"))
    first = depot.start()
    wait_for((tmp_path / "frozen").exists, beat=heartbeat)
    depot.start()
    depot.wait_for_end()
    assert depot.rows() == list(range(40))
    frozen = DataFlowRun.objects.get(status="failed")
    before = (frozen.reason, frozen.records_written, frozen.ended_at)
    assert frozen.reason == "lost"
    first.signal(signal.SIGCONT)
    wait_for(lambda: "FencedError" in first.log.read_text() or depot.queue.name != "tasks")
    time.sleep(1.5)
    assert depot.rows() == list(range(40))
    frozen.refresh_from_db()
    assert (frozen.reason, frozen.records_written, frozen.ended_at) == before
    assert DataFlowRun.objects.filter(status="success").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("depot", ALL, indirect=True)
def test_a_cancelled_run_stops_soon_and_at_a_checkpoint(depot):
    depot.flow(5000, pause=0.01)
    depot.start()
    depot.wait_for_rows(6)
    run = DataFlowRun.objects.get()
    asked = timezone.now()
    assert leases.cancel(run)
    ended = wait_for(DataFlowRun.objects.filter(status="failed").first)
    assert (ended.ended_at - asked).total_seconds() < 4  # and what a busy machine adds
    assert ended.reason == "cancelled"
    assert depot.rows() == list(range(ended.records_written))
    time.sleep(0.3)
    heartbeat()
    assert len(depot.rows()) == ended.records_written
    assert DataFlowRun.objects.count() == 1


@pytest.mark.parametrize("depot", [pytest.param(kind, marks=slow) for kind in ("tasks-sqlite", "rq", "celery")],
                         indirect=True)  # fmt: skip
def test_a_paused_run_stops_and_goes_on_when_it_is_resumed(depot):
    depot.flow(150, pause=0.01)
    depot.start()
    depot.wait_for_rows(6)
    assert leases.pause(DataFlowRun.objects.get())
    paused = wait_for(lambda: (run := DataFlowRun.objects.get()).is_paused and run)
    assert depot.rows() == list(range(paused.records_written))
    assert 0 < paused.records_written < 150
    heartbeat()
    time.sleep(0.5)
    assert len(depot.rows()) == paused.records_written
    assert leases.resume(paused)
    run = depot.wait_for_end()
    assert (run.pk, run.records_written, depot.rows()) == (paused.pk, 150, list(range(150)))


@pytest.mark.slow
@pytest.mark.parametrize("depot", ["tasks-sqlite", "rq"], indirect=True)
def test_a_worker_that_is_asked_to_end_stops_its_run_at_a_checkpoint(depot):
    depot.flow(150, pause=0.01)
    worker = depot.start()
    depot.wait_for_rows(6)
    assert worker.stop() == 0
    run = DataFlowRun.objects.get()
    assert (run.status, depot.rows()) == ("pending", list(range(run.records_written)))
    assert 0 < run.records_written < 150
    depot.start()
    assert depot.wait_for_end().pk == run.pk
    assert depot.rows() == list(range(150))


@pytest.mark.parametrize("depot", [pytest.param("rq", marks=slow)], indirect=True)
def test_a_run_survives_the_loss_of_all_that_is_in_redis(depot, redis):
    depot.flow(8)
    heartbeat()
    import redis as client

    client.Redis.from_url(depot.queue.options["url"]).flushdb()
    depot.start()
    DataFlowRun.objects.update(next_attempt_at="2020-01-01T00:00:00Z")  # as it is when the handover has passed
    depot.wait_for_end()
    assert depot.rows() == list(range(8))


@pytest.mark.parametrize("depot", [pytest.param("rq", marks=slow)], indirect=True)
def test_a_worker_of_rq_calls_nothing_but_flows(depot):
    from redis import Redis
    from rq import Queue as RqQueue
    from rq.serializers import JSONSerializer

    connection = Redis.from_url(depot.queue.options["url"])
    proof = depot.folder / "called"
    job = RqQueue("default", connection=connection, serializer=JSONSerializer).enqueue("os.mkdir", str(proof))
    depot.start()
    wait_for(lambda: job.get_status(refresh=True) == "failed")
    assert not proof.exists()
