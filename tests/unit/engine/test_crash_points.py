from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from active_data_flow.core.sink import Delivery
from active_data_flow.engine.crash_points import CRASH_POINTS, crash_point, points_of

CODE = """
import sys, time
from active_data_flow.engine.crash_points import crash_point
for number in range(3):
    for name in ("first", "second"):
        crash_point(name)
        print(number, name, flush=True)
time.sleep(float(sys.argv[1]))
print("end")
"""


def run(at: str, by: str = "KILL", sleep: float = 0) -> subprocess.Popen[str]:
    environment = {**os.environ, "ADF_CRASH_AT": at, "ADF_CRASH_BY": by}
    command = [sys.executable, "-c", CODE, str(sleep)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(
    ("at", "last"),
    [("first", ""), ("second:2", "1 first"), ("*:4", "1 first"), ("second:9", "end"), ("third", "end"), ("", "end")],
)
def test_the_process_dies_before_its_next_step(at, last):
    process = run(at)
    output, _ = process.communicate(timeout=60)
    assert output.strip().rpartition("\n")[2] == last
    assert process.returncode == (0 if last == "end" else -signal.SIGKILL)


def test_or_some_time_later_wherever_it_is():
    process = run("first:2+0.05", sleep=60)
    output, _ = process.communicate(timeout=60)
    assert output.endswith("2 second\n")
    assert process.returncode == -signal.SIGKILL


def test_or_it_is_frozen_and_goes_on():
    process = run("second:2", "STOP")
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=60)
    assert output.endswith("end\n")
    assert process.returncode == 0


def test_nothing_happens_where_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("ADF_CRASH_AT", raising=False)
    for name in CRASH_POINTS:
        crash_point(name)


@pytest.mark.parametrize("delivery", Delivery)
def test_each_kind_of_sink_passes_its_points(delivery):
    points = points_of(delivery)
    assert set(points) < set(CRASH_POINTS)
    assert len(set(points)) == len(points)
    assert ("before-save" in points) == (delivery in (Delivery.IDEMPOTENT, Delivery.AT_LEAST_ONCE))
