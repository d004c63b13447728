"""Workers that are killed or frozen in the middle of a run: nothing is lost or doubled, and the record says so."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from django_project.setup import app_settings_of, close_connections, empty, set_up_django

set_up_django()

from active_data_flow.core.sink import Delivery  # noqa: E402
from active_data_flow.engine.crash_points import points_of  # noqa: E402  # all of these need Django
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import CheckpointSplit, DataFlow, DataFlowRun  # noqa: E402
from active_data_flow.testing.crash.harness import PROPERTY  # noqa: E402
from django_project.memory_flows import numbers, record, written  # noqa: E402

TESTS = str(Path(__file__).parents[2])
RECORDS = 60
KILLS = 4


class Shop:
    """A flow from files into a database of its own, as a record of the project."""

    def __init__(self, directory: Path, database, lanes: str = "threads") -> None:
        self.path = directory / "shop.db"
        self.database = database
        for number in range(3):
            rows = "".join(f"{n},{n}.5\n" for n in range(number * 20, number * 20 + 20))
            (directory / f"{number}.csv").write_text(f"sku,price\n{rows}")
        configuration = {
            "source": {"type": "file", "path": f"{directory}/*.csv"},
            "sink": {"type": "sql", "url": f"sqlite:///{self.path}", "table": "prices"},
            "checkpoint": {"every": 0},
            "schedule": {"every": "1h"},
            "lanes": lanes,
            "transforms": [{"type": "filter", "where": "price >= 0"}],
        }
        self.flow = DataFlow.objects.create(name="prices", configuration=configuration)
        close_connections()

    @contextmanager
    def start(self, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """A worker in a process of its own."""
        with subprocess.Popen(
            [sys.executable, "-m", "django_project.child", "heartbeat", "30"],
            env={**os.environ, "ADF_TEST_DATABASE": self.database.url, "PYTHONPATH": TESTS, **environment},
            stdout=subprocess.PIPE,
            text=True,
        ) as worker:
            try:
                yield worker
            finally:
                worker.kill()

    def go_on(self) -> None:
        """Heartbeats until the flow has run well."""
        end = time.monotonic() + 60
        with app_settings_of(LEASE="1s"):
            while not DataFlowRun.objects.filter(status="success").exists():
                assert time.monotonic() < end
                heartbeat()
                time.sleep(0.1)

    def assert_exact(self) -> None:
        with closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute("SELECT sku, price FROM prices ORDER BY sku").fetchall()
        assert rows == [(n, n + 0.5) for n in range(RECORDS)]


def assert_lost_and_resumed(crash_at: str) -> None:
    lost, resumed = DataFlowRun.objects.order_by("pk")
    assert (lost.status, lost.reason, lost.error_type) == ("failed", "lost", "RunLost")
    assert "gave no sign of life" in lost.error
    assert (resumed.status, resumed.trigger) == ("success", "schedule")
    if crash_at in ("after-commit:2", "after-save:2", "before-commit:2"):
        assert resumed.records_written < RECORDS, "it began anew"
    flow = DataFlow.objects.get()
    assert (flow.busy, flow.losses, flow.last_status) == (False, 0, "success")


def prove(request: pytest.FixtureRequest, lanes: str, fault: str, times: int) -> None:
    """Tell the guarantee matrix what this runtime has stood."""
    runtime, faults = f"heartbeat:{lanes}", {fault: times}
    proof = {"source": "file:csv", "sink": "sql:sqlite:append", "runtime": runtime, "faults": faults}
    request.node.user_properties.append((PROPERTY, proof | {"guarantee": "exactly-once"}))


def kill_and_go_on(database, directory: Path, crash_at: str, lanes: str = "threads") -> None:
    shop = Shop(directory, database, lanes)
    with shop.start(ADF_CRASH_AT=crash_at) as worker:
        assert worker.wait() == -signal.SIGKILL
    assert DataFlowRun.objects.get().status == "in_progress"
    shop.go_on()
    shop.assert_exact()
    assert_lost_and_resumed(crash_at)
    assert CheckpointSplit.objects.exists()


def test_a_killed_worker_s_run_is_lost_and_resumed_from_its_checkpoint(sqlite_database, tmp_path):
    kill_and_go_on(sqlite_database, tmp_path, "after-commit:2")


@pytest.mark.slow
@pytest.mark.parametrize("point", points_of(Delivery.TRANSACTIONAL))
@pytest.mark.parametrize("time", [1, 2])
def test_wherever_it_is_killed_and_on_any_database(request, database, tmp_path, point, time):
    if time == 2 and point in ("before-restore", "after-restore", "before-finish", "after-finish"):
        point = "after-read"
    kill_and_go_on(database, tmp_path, f"{point}:{time}")
    prove(request, "threads", "crash points", 1)


@pytest.mark.slow
@pytest.mark.parametrize("point", points_of(Delivery.TRANSACTIONAL))
def test_wherever_it_is_killed_with_lanes_in_processes(request, sqlite_database, tmp_path, point):
    kill_and_go_on(sqlite_database, tmp_path, f"{point}:1", "processes")
    prove(request, "processes", "crash points", 1)


@pytest.mark.slow
@pytest.mark.parametrize("lanes", ["threads", "processes"])
def test_at_random_moments(request, sqlite_database, tmp_path, lanes):
    chance, killed = random.Random(7), 0
    while killed < KILLS:
        directory = Path(tempfile.mkdtemp(dir=tmp_path))
        empty()
        shop = Shop(directory, sqlite_database, lanes)
        with shop.start(ADF_CRASH_AT=f"*:{chance.randint(1, 6)}+{chance.uniform(0, 0.004):.4f}") as worker:
            killed += worker.wait() == -signal.SIGKILL  # else it was over before
        shop.go_on()
        shop.assert_exact()
    prove(request, lanes, "random kills", KILLS)


def freeze_and_replace(database, directory: Path, crash_at: str) -> None:
    shop = Shop(directory, database)
    with shop.start(ADF_CRASH_AT=crash_at, ADF_CRASH_BY="STOP") as frozen:
        _wait_until_stopped(frozen.pid)
        shop.go_on()
        shop.assert_exact()
        frozen.send_signal(signal.SIGCONT)
        output, _ = frozen.communicate(timeout=60)
        assert frozen.returncode == 0
    (told,) = json.loads(output)["triggered"]
    lost = DataFlowRun.objects.order_by("pk")[0]
    assert (told["run_id"], told["status"]) == (lost.run_id, "failed")
    shop.assert_exact()
    assert_lost_and_resumed("")


def _wait_until_stopped(pid: int) -> None:
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_frozen_worker_is_replaced_and_its_late_commit_and_end_are_refused(sqlite_database, tmp_path):
    # not while it holds the lock of the SQLite file that both write to
    freeze_and_replace(sqlite_database, tmp_path, "after-transform:2")


@pytest.mark.slow
@pytest.mark.parametrize("point", ["after-read:2", "after-commit:2", "before-finish:1", "after-finish:1"])
def test_wherever_it_is_frozen_and_on_any_database(database, tmp_path, point):
    freeze_and_replace(database, tmp_path, point)


@pytest.mark.slow
def test_a_database_that_goes_away_in_the_middle_of_a_run_costs_nothing(postgres, migrated_databases):
    from django_project.setup import use_databases

    use_databases(default=migrated_databases("postgresql"))
    empty()
    record("long", numbers(60), pause=0.05, retry={"attempts": 20, "backoff": 0.1, "max_backoff": 0.5})
    beats: list[object] = []
    working = threading.Thread(target=lambda: (beats.append(heartbeat(30)), close_connections()))
    working.start()
    while len(written("long")) < 6:
        time.sleep(0.05)
    postgres.kill()
    time.sleep(0.5)
    postgres.start()
    working.join()
    close_connections()
    run = DataFlowRun.objects.get()
    assert (run.status, run.records_written) == ("success", 60)
    assert run.result["retries"] >= 1
    assert written("long") == list(range(60))
    close_connections()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_stops_gracefully(sqlite_database, tmp_path, number):
    shop = Shop(tmp_path, sqlite_database)
    command = [sys.executable, "-m", "django", "adf_heartbeat", "--every", "0.2", "--budget", "20s", "--json"]
    environment = {
        **os.environ,
        "ADF_TEST_DATABASE": sqlite_database.url,
        "PYTHONPATH": TESTS,
        "DJANGO_SETTINGS_MODULE": "django_project.settings",
    }
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as ticking:
        assert ticking.stdout is not None
        assert json.loads(ticking.stdout.readline())["flows_triggered"] == 1
        assert json.loads(ticking.stdout.readline())["flows_triggered"] == 0
        ticking.send_signal(number)
        ticking.stdout.read()
        assert ticking.wait(30) == 0
    shop.assert_exact()
