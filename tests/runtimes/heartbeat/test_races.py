"""Many heartbeats at once, in processes of their own: each due flow runs once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from django_project.setup import close_connections, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun  # noqa: E402  # needs Django
from django_project.memory_flows import document, numbers  # noqa: E402

TESTS = str(Path(__file__).parents[2])


def race(database, tmp_path, processes: int, flows: int, how: str = "real") -> Counter[str]:
    """How often each flow was begun."""
    records = [DataFlow(name=f"flow{n}", configuration=document(f"flow{n}", numbers(1))) for n in range(flows)]
    for record in records:
        record.take_settings()
    DataFlow.objects.bulk_create(records)
    close_connections()
    log = tmp_path / "log"
    subprocess.run(
        [sys.executable, "-m", "django_project.child", "race", str(processes), how, str(log)],
        env={**os.environ, "ADF_TEST_DATABASE": database.url, "PYTHONPATH": TESTS},
        check=True,
    )
    return Counter(log.read_text().split())


def assert_each_ran_once(begun: Counter[str], flows: int) -> None:
    assert begun == {f"flow{n}": 1 for n in range(flows)}
    assert DataFlowRun.objects.count() == flows
    assert set(DataFlowRun.objects.values_list("status", "attempt")) == {("success", 1)}
    assert not DataFlow.objects.filter(busy=True).exists()


def test_each_due_flow_runs_once(sqlite_database, tmp_path):
    assert_each_ran_once(race(sqlite_database, tmp_path, 4, 12), 12)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_due_flow_runs_once_however_many_ask_on_any_database(database, tmp_path):
    assert_each_ran_once(race(database, tmp_path, 16, 100), 100)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_race_is_one(database, tmp_path):
    """The control: a plain read-then-save of the same flows by the same processes runs many of them more than once."""
    begun = race(database, tmp_path, 16, 100, "naive")
    assert len(begun) == 100
    assert begun.total() > 100
