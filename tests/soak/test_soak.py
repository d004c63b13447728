"""A flow that runs for an hour, is killed again and again, and neither loses a record nor grows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from soak import report
from soak.supervisor import Plan, Supervisor

RESULTS = Path(__file__).parents[2] / "soak-results"
MOST_GROWTH = 0.1
LANES = 6
"""Of both pipelines; each reads one file at a time, which it has open twice, at its begin three times."""


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_an_hour_of_kills(pytestconfig, tmp_path, postgres):
    plan = Plan(pytestconfig.getoption("soak_seconds"))
    supervisor = Supervisor(tmp_path / "soak", postgres, plan)
    try:
        supervisor.run()
    finally:
        figures = report.write(supervisor.record, RESULTS)
        print(json.dumps(figures, indent=2))
    assert not figures["failed"]
    assert figures["killed"] >= plan.rough / 60 - 1
    assert figures["most_reading"] <= 3 * LANES
    for name in report.MEASURES:
        assert figures[name]["growth_from_run_to_run"] < MOST_GROWTH, name
        assert figures[name]["growth_within_a_run"] < MOST_GROWTH, name
    shutil.rmtree(tmp_path / "soak")  # an hour's files are many


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_soak_of_half_a_minute(tmp_path, postgres):
    plan = Plan(seconds=30, life=(6, 9), outages=(12, 20), files=3)
    supervisor = Supervisor(tmp_path / "soak", postgres, plan)
    figures = report.write(supervisor.run(), tmp_path / "results")
    assert not figures["failed"]
    assert figures["killed"] >= 2
    assert figures["outages"] == 1
    assert figures["records"] > 0
    assert figures["history"]["success"] == 1
    assert figures["positions"]["rows"] <= figures["files"]
    assert (tmp_path / "results" / "soak.svg").read_text().count("<polyline") > 6
    shutil.rmtree(tmp_path / "soak")
