"""The heartbeat behind a real web server of several processes and threads, on PostgreSQL."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from django_project.setup import close_connections, empty, set_up_django, use_databases
from services import Server, free_port

set_up_django()

from active_data_flow.runtimes.heartbeat.models import (  # noqa: E402  # needs Django
    DataFlow,
    DataFlowRun,
    FailureReason,
    Heartbeat,
    RunStatus,
)
from active_data_flow.runtimes.heartbeat.security.tokens import create_token  # noqa: E402

TESTS = Path(__file__).parents[2]


@pytest.fixture
def project(postgres, postgres_url, migrated_databases):
    """Django in this process, with an empty PostgreSQL database; gives its address, and that of one for the data."""
    url = migrated_databases("postgresql")
    use_databases(default=url)
    empty()
    yield url, postgres_url
    close_connections()


@contextmanager
def gunicorn(project, **options):
    """Two worker processes with four threads each; gives a function that sends a heartbeat."""
    url, data = project
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers=2", "--threads=4", "--timeout=60", "--log-level=warning"]
    environment = {
        "DJANGO_SETTINGS_MODULE": "django_project.settings",
        "PYTHONPATH": str(TESTS),
        "ADF_TEST_DATABASE": url,
        "ADF_TEST_APPS": "django_project.slow_shop",
        "ADF_TEST_SETTINGS": json.dumps({"RATE_LIMIT": 10_000, **options}),
        "ADF_DATA": data,
    }
    server = Server([*command, f"--bind=127.0.0.1:{port}", "django_project.wsgi"], port, environment)
    server.start()
    _, token = create_token("pinger")

    def send(_=None):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("POST", "/adf/heartbeat", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    try:
        yield send
    finally:
        server.stop()


def flow(name, file, **options):
    return DataFlow.objects.create(
        name=name,
        configuration={
            "source": {"type": "file", "path": str(file), **options.pop("source", {})},
            "sink": {"type": "sql", "url": "env:ADF_DATA", "table": "numbers", "mode": "append"},
            "schedule": {"every": "1h"},
            **options,
        },
    )


def rows(postgres, data):
    return Counter(postgres.run_sql("SELECT flow, n FROM numbers", data.rpartition("/")[2]))


def numbers(path, name, count):
    path.write_text("flow,n\n" + "".join(f"{name},{number}\n" for number in range(count)))
    return path


@pytest.mark.slow
def test_sixteen_heartbeats_at_once_never_run_a_flow_twice(project, postgres, tmp_path):
    names = [f"flow_{number}" for number in range(24)]
    for name in names:
        flow(name, numbers(tmp_path / f"{name}.csv", name, 5))
    with gunicorn(project) as send, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(send, range(16)))
    assert {status for status, _ in answers} == {200}
    triggered = Counter(run["flow"] for _, answer in answers for run in answer["triggered"])
    assert triggered == Counter(names)
    assert Counter(DataFlowRun.objects.values_list("flow__name", flat=True)) == Counter(names)
    assert set(DataFlowRun.objects.values_list("status", flat=True)) == {"success"}
    assert rows(postgres, project[1]) == Counter((name, number) for name in names for number in range(5))
    assert Heartbeat.objects.count() == 16


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_record_and_doubles_none(project, postgres, tmp_path):
    slow = slow_record(tmp_path)
    with gunicorn(project, LEASE="2s") as send, ThreadPoolExecutor(2) as threads:
        first = threads.submit(broken, send)
        run = wait_for(lambda: DataFlowRun.objects.filter(status=RunStatus.IN_PROGRESS, records_written__gt=0).first())
        os.kill(int(run.lease_owner.split(":")[1]), signal.SIGKILL)
        assert first.result() == "cut off"
        time.sleep(2.5)
        status, answer = send()
        assert (status, answer["runs_lost"]) == (200, 1)
        wait_for(lambda: send()[0] == 200 and DataFlow.objects.get().last_status == "success")
    lost, *_, last = DataFlowRun.objects.order_by("id")
    assert (lost.pk, lost.status, lost.reason) == (run.pk, "failed", FailureReason.LOST)
    assert last.status == "success"
    assert last.records_read < 2000  # it went on from the checkpoint
    assert rows(postgres, project[1]) == Counter(("slow", number) for number in range(2000))
    assert slow.pk == last.flow_id


def slow_record(folder):
    """Written past the check of its configuration: the function is registered in the server's processes."""
    made = flow("slow", numbers(folder / "slow.csv", "slow", 2000), source={"block_size": 200}, checkpoint={"every": 0})
    transforms = [{"type": "python", "function": "slowly", "batch": True}]
    DataFlow.objects.filter(pk=made.pk).update(configuration=made.configuration | {"transforms": transforms})
    return made


def broken(send):
    try:
        send()
    except (OSError, http.client.HTTPException):
        return "cut off"
    return "answered"


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.05)
