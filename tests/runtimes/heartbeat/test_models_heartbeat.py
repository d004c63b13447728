from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.models import DatabaseNow, DataFlow, DataFlowRun, Heartbeat  # noqa: E402


def test_the_migrations_are_complete(database):
    call_command("makemigrations", "active_data_flow", check=True, dry_run=True, verbosity=0)


def test_the_clock_is_the_database_s_and_in_utc(database):
    if database.vendor == "mariadb":  # elsewhere Django sees to the session's zone
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+09:00'")
    Heartbeat.objects.create(started_at=timezone.now())
    now = Heartbeat.objects.annotate(now=DatabaseNow()).get().now
    assert abs(now - timezone.now()) < dt.timedelta(seconds=5)


def test_only_flows_whose_time_has_come_are_due(database):
    past, future = timezone.now() - dt.timedelta(seconds=5), timezone.now() + dt.timedelta(seconds=60)
    for name, options in {
        "due": {"next_run_at": past},
        "later": {"next_run_at": future},
        "never": {"next_run_at": None},
        "off": {"next_run_at": past, "enabled": False},
        "busy": {"next_run_at": past, "busy": True},
    }.items():
        DataFlow.objects.bulk_create([DataFlow(name=name, **options)])
    assert [flow.name for flow in DataFlow.objects.due_to_run()] == ["due"]


def test_names_and_fences_are_unique(database):
    DataFlow.objects.bulk_create([DataFlow(name="one")])
    with pytest.raises(IntegrityError), transaction.atomic():
        DataFlow.objects.bulk_create([DataFlow(name="one")])
    flow = DataFlow.objects.get()
    DataFlowRun.objects.create(flow=flow, run_id="a", fence=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        DataFlowRun.objects.create(flow=flow, run_id="b", fence=1)


def test_a_run_knows_how_long_it_took(sqlite_database):
    start = timezone.now()
    run = DataFlowRun(started_at=start, ended_at=start + dt.timedelta(seconds=3))
    assert run.duration == dt.timedelta(seconds=3)
    assert DataFlowRun().duration is None


def test_counting_stops_where_it_is_told_to(database):
    DataFlow.objects.bulk_create([DataFlow(name="one")])
    flow = DataFlow.objects.get()
    DataFlowRun.objects.bulk_create([DataFlowRun(flow=flow, run_id=str(n), fence=n) for n in range(7)])
    assert DataFlowRun.objects.count_up_to(5) == 5
    assert DataFlowRun.objects.count_up_to(50) == 7
