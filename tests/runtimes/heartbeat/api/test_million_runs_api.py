"""Every list and page of the API with a million runs."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from pathlib import Path

import pytest
from django.db import connection

from django_project.fixtures import _given

LIMIT_MS = 100
FILL = Path(__file__).with_name("million_runs.sql")
PAGES = [
    "/flows",
    "/flows?name=99",
    "/flows/flow1",
    "/runs",
    "/runs?limit=200",
    "/runs?cursor=2000",
    "/runs?status=success",
    "/runs?status=in_progress",
    "/runs?status=pending",
    "/runs?status=failed",
    "/runs?flow=flow7",
    "/runs?reason=lost",
    "/runs?flow=flow7&status=failed",
    "/runs?trigger=api",
    "/runs?trigger=replay",
    "/runs?flow=flow7&trigger=replay",
    "/runs?status=success&trigger=replay",
    "/runs?error=host%20976",
    "/runs?error=nothing",
    "/runs?flow=flow7&error=lost",
    "/runs?since={hour}",
    "/runs?until={month}",
    "/runs?since={month}&until={day}&status=failed",
    "/runs?until={month}&trigger=replay",
    "/runs?since={month}&flow=flow7&error=nothing",
    "/runs?until=2000-01-01T00:00:00Z",
    "/runs/run1",
    "/runs/run1000000/log?limit=200",
    "/flows/flow1/rejects",
    "/flows/flow1/rejects/groups",
    "/flows/flow1/rejects?status=replayed",
    "/flows/flow1/checkpoint",
    "/audit",
    "/audit?action=run.requested",
    "/audit?target=run%20run5",
    "/audit?action=nothing",
    "/health",
    "/metrics",
    "/connectors",
]


@pytest.fixture(scope="module")
def database(migrated_databases):
    yield from _given("postgresql", migrated_databases)


@pytest.fixture
def filled(api):
    with connection.cursor() as cursor:
        for statement in FILL.read_text().split(";\n"):
            cursor.execute(statement)
    return api


def moments():
    now = dt.datetime.now(dt.UTC)
    ages = {"hour": dt.timedelta(hours=1), "day": dt.timedelta(days=1), "month": dt.timedelta(days=30)}
    return {name: (now - age).strftime("%Y-%m-%dT%H:%M:%SZ") for name, age in ages.items()}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_list_is_there_at_once(filled, record_property):
    times = {}
    for page in PAGES:
        path = page.format(**moments())
        taken = []
        for _ in range(7):
            start = time.perf_counter()
            assert filled.send("get", path).status_code == 200, path
            taken.append((time.perf_counter() - start) * 1000)
        times[page] = taken
    for page, taken in times.items():
        print(f"{statistics.median(taken):7.1f} ms (best {min(taken):.1f})  {page}")
        record_property(page, round(statistics.median(taken), 1))
    # the best of seven: what others do on the machine meanwhile is not the API's
    assert {page: min(taken) for page, taken in times.items() if min(taken) > LIMIT_MS} == {}
