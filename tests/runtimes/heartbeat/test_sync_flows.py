from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from active_data_flow.core.errors import ConfigurationError
from django_project.setup import set_up_django

set_up_django()

from django.db import connections  # noqa: E402  # needs Django

from active_data_flow.runtimes.heartbeat.discovery import discover  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow  # noqa: E402
from active_data_flow.runtimes.heartbeat.sync import sync  # noqa: E402
from django_project.memory_flows import record, written  # noqa: E402

CODE = """
from active_data_flow import DataFlow, every
from active_data_flow.testing import ScriptedSource, TransactionalMemorySink

class Synced(DataFlow):
    description = "of the code"
    source = ScriptedSource(script={"a": [{"n": 1}, {"n": 2}]}, key="synced")
    sink = TransactionalMemorySink(place="synced")
    schedule = every(minutes=MINUTES)
    priority = 3
"""


@pytest.fixture
def app(tmp_path, monkeypatch, sqlite_database):
    """An app of its own, whose flows.py a test writes again and again."""
    folder = tmp_path / "synced_app"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # or a file changed within a second is not read again

    def write(code):
        (folder / "flows.py").write_text(code)
        sys.modules.pop("synced_app.flows", None)

    write(CODE.replace("MINUTES", "5"))
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "synced_app"]):
        yield write
    for name in [name for name in sys.modules if name.startswith("synced_app")]:
        del sys.modules[name]


def test_flows_of_the_code_become_records_once(app):
    assert "synced" in sync().created
    flow = DataFlow.objects.get(name="synced")
    assert (flow.reference, flow.description) == ("synced_app.flows:Synced", "of the code")
    assert (flow.interval, flow.priority, flow.enabled) == (300, 3, True)
    again = sync()
    assert (again.created, again.updated, again.missing) == ([], [], [])


def test_what_the_code_changes_is_taken_and_what_the_record_changes_is_kept(app):
    sync()
    flow = DataFlow.objects.get(name="synced")
    flow.configuration = {"priority": 7}
    flow.enabled = False
    flow.description = "of the record"
    flow.save()
    app(CODE.replace("MINUTES", "10"))
    assert sync().updated == ["synced"]
    flow.refresh_from_db()
    assert (flow.interval, flow.priority, flow.enabled, flow.description) == (600, 7, False, "of the record")
    assert flow.configuration == {"priority": 7}


def test_a_flow_whose_code_is_gone_is_marked_shown_and_does_not_run(app):
    sync()
    app("")
    assert sync().missing == ["synced"]
    flow = DataFlow.objects.get(name="synced")
    assert flow.code_missing
    assert flow not in DataFlow.objects.due_to_run()
    result = heartbeat()
    assert "synced" not in [run["flow"] for run in result.triggered]
    assert flow.trigger_run().error.startswith("no installed app has the flow synced_app.flows:Synced")
    assert sync().missing == []  # told once
    app(CODE.replace("MINUTES", "5"))
    assert sync().restored == ["synced"]
    DataFlow.objects.filter(name="synced").update(next_run_at="2020-01-01T00:00Z")
    assert "synced" in [run["flow"] for run in heartbeat().triggered]
    assert written("synced") == [1, 2]


def test_code_that_moves_keeps_its_record(app):
    sync()
    app(
        CODE.replace("MINUTES", "5")
        .replace("class Synced", "class Renamed")
        .replace("priority", 'name = "synced"; priority')
    )
    assert sync().updated == ["synced"]
    assert DataFlow.objects.get(name="synced").reference == "synced_app.flows:Renamed"
    assert DataFlow.objects.filter(name="renamed").count() == 0


def test_flows_that_are_records_only_stay(app):
    record("alone", [])
    sync()
    assert DataFlow.objects.get(name="alone").reference == ""
    assert not DataFlow.objects.get(name="alone").code_missing


def test_a_record_of_the_same_name_is_not_taken_over(app):
    record("synced", [])
    assert "exists as a record without code; rename one of them" in sync().faults["synced_app.flows:Synced"]
    assert DataFlow.objects.get(name="synced").reference == ""


def test_two_flows_of_one_name_are_told(app):
    app(CODE.replace("MINUTES", "5") + "\nclass Other(Synced):\n    name = 'synced'\n")
    result = sync()
    assert "its name, synced, is that of synced_app.flows:Synced too" in result.faults["synced_app.flows:Other"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os\n\n1 / 0\n", r"app synced_app: .*synced_app/flows\.py, line 3: ZeroDivisionError"),
        ("x = 1\ndef f(:\n", r"app synced_app: .*synced_app/flows\.py, line 2: SyntaxError"),
        (
            "import no_such_thing\n",
            r"app synced_app: .*flows\.py, line 1: ModuleNotFoundError: No module named 'no_such",
        ),
        ("raise SystemExit(3)\n", r"app synced_app: .*flows\.py, line 1: SystemExit"),
        (
            "from active_data_flow import FileSource\n\n\nFileSource(paht='x')\n",
            r"app synced_app: .*flows\.py, line 4: file source: (?s:.*)paht: unknown option; did you mean path",
        ),
    ],
)
def test_a_broken_module_is_named_with_its_app_file_and_line(app, code, message):
    sync()
    app(code)
    result = sync()
    with pytest.raises(ConfigurationError, match=message):
        discover().find("synced_app.flows:Synced")
    assert "line" in result.faults["synced_app.flows"]
    assert result.missing == []  # nothing is known of what is in it
    assert not DataFlow.objects.get(name="synced").code_missing


def test_a_flow_that_can_t_be_made_costs_the_others_nothing(app):
    app(
        CODE.replace("MINUTES", "5")
        + "\n\nclass Bad(Synced):\n    needed: int\n    def __init__(self, **o):\n        1 / 0\n"
    )
    result = sync()
    assert "ZeroDivisionError" in result.faults["synced_app.flows:Bad"]
    assert "synced" in result.created


def test_many_at_once_make_each_record_once(app, database):
    app(CODE.replace("MINUTES", "5"))
    found = discover()

    def bring_up(_):
        try:
            return sync(found)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(bring_up, range(6)))
    assert [result.faults for result in results] == [{}] * 6
    assert sum(result.created.count("synced") for result in results) == 1
    assert DataFlow.objects.filter(name="synced").count() == 1


def test_the_command_tells_what_it_did(app):
    out = StringIO()
    call_command("adf_sync", stdout=out)
    assert "created synced\n" in out.getvalue()
    out = StringIO()
    call_command("adf_sync", stdout=out)
    assert out.getvalue() == "nothing to do\n"
    app("1 / 0")
    with pytest.raises(CommandError, match=r"flows\.py, line 1: ZeroDivisionError"):
        call_command("adf_sync", stdout=StringIO())


def test_migrate_does_it_too(app):
    out = StringIO()
    call_command("migrate", stdout=out, interactive=False)
    assert "made a record of flow synced" in out.getvalue()
    app("1 / 0")
    out = StringIO()
    call_command("migrate", stdout=out, interactive=False)
    assert "line 1: ZeroDivisionError" in out.getvalue()


def test_migrating_back_is_no_mistake(app):
    call_command("migrate", "active_data_flow", "zero", verbosity=0, interactive=False)
    call_command("migrate", verbosity=0, interactive=False)
    assert DataFlow.objects.filter(name="synced").exists()
