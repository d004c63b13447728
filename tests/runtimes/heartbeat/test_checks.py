from __future__ import annotations

import sys

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connections
from django.test import override_settings

from django_project.setup import app_settings_of, set_up_django, use_databases

set_up_django()

from active_data_flow.runtimes.heartbeat.models import DataFlow  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.security.tokens import create_token, revoke_token  # noqa: E402
from django_project.memory_flows import record  # noqa: E402


def found(**options):
    """Ids of what the checks of the app find, with the messages."""
    return {one.id: one for one in run_checks(tags=["active_data_flow"], **{"databases": [], **options})}


def test_a_project_that_is_in_order_hears_nothing(sqlite_database):
    assert found() == {}
    create_token("pinger")
    assert found(databases=["default"]) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"BUGDET": 1}, "did you mean BUDGET"),
        ({"TOKEN": "hunter2"}, "never in clear"),
        ({"LEASE": 0}, "greater than 0"),
    ],
)
def test_settings_that_are_not_valid(sqlite_database, options, message):
    with app_settings_of(**options):
        messages = found(databases=["default"])
    assert list(messages) == ["adf.E001"]
    assert message in messages["adf.E001"].msg


def test_a_token_that_is_not_there_or_too_short(sqlite_database, monkeypatch):
    monkeypatch.delenv("ADF_TOKEN", raising=False)
    with app_settings_of(TOKEN="env:ADF_TOKEN"):
        assert "environment variable ADF_TOKEN is not set" in found()["adf.E002"].msg
        monkeypatch.setenv("ADF_TOKEN", "short")
        assert list(found()) == ["adf.W006"]
        monkeypatch.setenv("ADF_TOKEN", "x" * 43)
        assert found(databases=["default"]) == {}


def test_no_token_at_all(sqlite_database):
    assert found(databases=["default"])["adf.W001"].hint.startswith("manage.py adf_token create")
    assert found() == {}  # the database is not asked where no one wants it
    create_token("pinger")
    revoke_token("pinger")
    assert "adf.W001" in found(databases=["default"])


def test_folders_that_are_not_there(sqlite_database, tmp_path):
    with app_settings_of(FILE_ROOTS=[str(tmp_path), str(tmp_path / "none")]):
        assert found()["adf.W004"].msg.endswith("/none")


def test_models_that_are_not_there(sqlite_database):
    with app_settings_of(MODELS=["auth.*", "AUTH.User", "auth.Usr", "none.*"]):
        (first, second) = [message for message in run_checks() if message.id == "adf.W007"]
    assert first.msg.startswith("MODELS: there is no auth.Usr; did you mean auth.user")
    assert second.msg.startswith("MODELS: there is no none.*")


def test_a_project_without_time_zones(sqlite_database):
    with override_settings(USE_TZ=False):
        assert "USE_TZ = True" in found()["adf.E007"].hint


def test_sqlite_that_would_be_locked(sqlite_database):
    databases = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x.db"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "DATABASES", databases)
        message = found()["adf.W002"]
    assert '"transaction_mode": "IMMEDIATE"' in message.hint


def test_an_allow_list_behind_a_proxy_that_is_not_trusted(sqlite_database):
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert found() == {}
        with app_settings_of(ALLOWED_NETWORKS=["10.0.0.0/8"]):
            assert "TRUSTED_PROXIES is 0" in found()["adf.W003"].msg
        with app_settings_of(ALLOWED_NETWORKS=["10.0.0.0/8"], TRUSTED_PROXIES=1):
            assert found() == {}


FLOWS = """
from active_data_flow import DataFlow
from active_data_flow.testing import ScriptedSource, TransactionalMemorySink

class Checked(DataFlow):
    source = ScriptedSource(script={"a": []}, key="checked")
    sink = TransactionalMemorySink(place="checked")
    output_schema = {"n": "int64", "m": "int64"}
"""


@pytest.fixture
def app(tmp_path, monkeypatch, sqlite_database):
    """An app with flows of its own."""
    (tmp_path / "checked_app").mkdir()
    (tmp_path / "checked_app" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(code):
        (tmp_path / "checked_app" / "flows.py").write_text(code)
        sys.modules.pop("checked_app.flows", None)

    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "checked_app"]):
        yield write
    for name in [name for name in sys.modules if name.startswith("checked_app")]:
        del sys.modules[name]


def test_flows_that_can_t_be_imported_or_made(app):
    app("x = 1\n1 / 0\n")
    assert "checked_app/flows.py, line 2: ZeroDivisionError" in found()["adf.E003"].msg
    app(FLOWS + "\n    def __init__(self, **o):\n        raise ValueError('no')\n")
    assert "checked_app.flows:Checked: " in found()["adf.E004"].msg


def test_columns_that_a_model_has_no_field_for(app):
    model = FLOWS.replace('TransactionalMemorySink(place="checked")', 'ActiveRecordSink(model="shop.Supplier")')
    model = model.replace("import DataFlow", "import ActiveRecordSink, DataFlow")
    app(model.replace('"n": "int64"', '"name": "string"'))
    assert found()["adf.E005"].msg.startswith(
        "checked_app.flows:Checked: sink: model shop.Supplier has no field for column m; add one and migrate"
    )
    app(model.replace('"n": "int64", "m": "int64"', '"name": "string"'))
    assert found() == {}


def test_records_that_make_no_flow_any_more(sqlite_database):
    create_token("pinger")
    record("good", [])
    flow = record("bad", [])
    gone = record("gone", [])
    DataFlow.objects.filter(pk=flow.pk).update(configuration={"source": {"type": "nope"}})
    DataFlow.objects.filter(pk=gone.pk).update(reference="shop.flows:Gone", code_missing=True)
    messages = found(databases=["default"])
    assert "flow bad: " in messages["adf.E006"].msg
    assert messages["adf.W005"].msg == "flow gone: its code, shop.flows:Gone, is gone"
    DataFlow.objects.filter(pk__in=[flow.pk, gone.pk]).update(enabled=False)
    assert found(databases=["default"]) == {}


def test_a_database_that_is_down_or_empty_is_not_our_business(sqlite_database, tmp_path):
    try:
        use_databases(default="postgresql://nobody@127.0.0.1:1/none")
        assert found(databases=["default"]) == {}
        use_databases(default=f"sqlite:///{tmp_path}/empty.db")
        assert found(databases=["default"]) == {}
    finally:
        connections.close_all()
        use_databases(default=sqlite_database.url)


def test_manage_py_check_shows_them(sqlite_database, capsys):
    with app_settings_of(FILE_ROOTS=["/none/such"]):
        call_command("check")
    assert "(adf.W004) FILE_ROOTS: there is no folder /none/such" in capsys.readouterr().err
