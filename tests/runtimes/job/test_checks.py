from __future__ import annotations

from contextlib import suppress

import pytest
from django.test import override_settings

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.testing import MemorySink, ScriptedSource
from django_project.setup import app_settings_of, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.discovery import Discovered  # noqa: E402
from active_data_flow.runtimes.job import checks, task_framework  # noqa: E402
from active_data_flow.runtimes.job.settings import job_settings, make_backend  # noqa: E402
from django_project.memory_flows import record  # noqa: E402


def tasks_with(backend: str, **options):
    return override_settings(TASKS={"default": {"BACKEND": backend, **options}})


@pytest.fixture(autouse=True)
def _tasks_made_anew():
    """Django's handler of tasks remembers what it has made."""
    task_backends = task_framework.task_backends

    def forget():
        task_backends.__dict__.pop("settings", None)
        task_backends._settings = None
        with suppress(AttributeError):  # none was made yet
            del task_backends["default"]

    forget()
    yield
    forget()


def said(messages) -> list[tuple[str, str]]:
    return [(message.id, message.msg) for message in messages]


def test_what_is_set_up_well_is_not_spoken_of(sqlite_database):
    record("well", queue="night")
    assert said([*checks.check_job(), *checks.check_queues_of_records(databases=["default"])]) == []


@pytest.mark.parametrize(
    ("backend", "fault"),
    [
        (task_framework.ImmediateBackend, "runs flows in the heartbeat itself"),
        (task_framework.DummyBackend, "never runs a flow"),
    ],
)
def test_a_queue_that_is_none_is_for_debugging(backend, fault):
    with tasks_with(f"{backend.__module__}.{backend.__name__}"):
        ((identity, message),) = said(checks.check_job())
        assert identity == "adf.W102"
        assert fault in message
        with override_settings(DEBUG=True):
            assert said(checks.check_job()) == []


@pytest.mark.parametrize(
    ("job", "fault"),
    [
        ({"BACKEND": "rabbits"}, "there is no backend 'rabbits'; there are tasks, rq, celery"),
        ({"BACKEND": "no.such.Backend"}, "can't be imported"),
        ({"BACKEND": "datetime.date"}, "datetime.date is no Backend"),
        ({"BAKEND": "rq"}, "unknown key 'BAKEND'; did you mean BACKEND"),
        ({"BACKEND": "rq"}, "url: is required"),
        ({"BACKEND": "rq", "OPTIONS": {"url": "redis://:hush@server/0"}}, "the password stands in clear"),
        ({"OPTIONS": {"alias": "other"}}, "TASKS has no usable backend 'other'"),
        ({"HANDOVER": 0}, "greater than 0"),
    ],
)
def test_what_is_wrong_with_the_settings_is_named(job, fault):
    with app_settings_of(JOB=job):
        ((identity, message),) = said(checks.check_job())
        assert identity == "adf.E101"
        assert fault in message
        assert "hush" not in message


def test_the_keys_of_the_setting_are_read():
    with app_settings_of(JOB={"BACKEND": "celery", "OPTIONS": {"queues": ["fast"]}, "HANDOVER": "2m"}):
        assert job_settings().handover == 120
        assert make_backend().known_queues() == {"fast"}
        with pytest.raises(ConfigurationError, match=r"there is no queue 'default'.*; there are: fast"):
            make_backend().check_queue("default")
    with app_settings_of(JOB={"BACKEND": "celery", "OPTIONS": {"queues": []}}):
        make_backend().check_queue("whatever")


def test_flows_in_queues_that_are_not_there_are_found(sqlite_database, monkeypatch):
    record("astray", queue="nigth")
    record("astray_and_off", queue="nigth", enabled=False)
    ((identity, message),) = said(checks.check_queues_of_records(databases=["default"]))
    assert identity == "adf.E103"
    assert message == "flow astray: there is no queue 'nigth'; did you mean night?; there are: default, night"
    assert checks.check_queues_of_records(databases=None) == []

    class Astray(DataFlow):
        source = ScriptedSource(script={})
        sink = MemorySink()
        queue = "daily"

    found = Discovered({"shop.flows:Astray": Astray, "shop.flows:fine": Astray(queue="default")})
    monkeypatch.setattr(checks, "discover", lambda: found)
    ((identity, message),) = said(checks.check_queues_of_code())
    assert identity == "adf.E103"
    assert message.startswith("flow shop.flows:Astray: there is no queue 'daily'")


def test_where_there_are_no_tables_yet_nothing_is_asked_of_them(sqlite_database):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE active_data_flow_dataflow RENAME TO away")
    try:
        assert checks.check_queues_of_records(databases=["default"]) == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO active_data_flow_dataflow")


def test_tasks_without_queues_take_any(sqlite_database):
    with tasks_with("django_tasks_db.DatabaseBackend", QUEUES=[]):
        make_backend().check_queue("anything")
