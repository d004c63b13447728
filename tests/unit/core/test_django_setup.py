"""Each case in a process of its own: a process has one Django project, or none, for good."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SETTINGS = "SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = ['django.contrib.contenttypes']\n"
HEAD = "from active_data_flow.core.django_setup import set_up_django\n"


def run(code, directory, settings=None):
    """What a program prints, or the last line of its traceback."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    named = {} if settings is None else {"DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-W", "error", "-c", HEAD + code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=directory, env=environment | named, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[-1]


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop_settings.py").write_text(SETTINGS)
    (tmp_path / "broken_settings.py").write_text("1 / 0")
    return tmp_path


def test_importing_it_does_not_import_django(project):
    assert run("import sys; print('django' in sys.modules)", project) == "False"


def test_the_project_of_the_environment_is_set_up_once(project):
    code = (
        "set_up_django('cache sink'); set_up_django('cache sink')\n"
        "from django.contrib.contenttypes.models import ContentType; print(ContentType._meta.label)"
    )
    assert run(code, project, "shop_settings") == "contenttypes.ContentType"


def test_settings_that_were_configured_in_code_need_no_variable(project):
    code = (
        "from django.conf import settings; settings.configure(USE_TZ=True)\n"
        "set_up_django('cache sink')\n"
        "from django.apps import apps; print(apps.ready)"
    )
    assert run(code, project) == "True"


def test_what_to_do_where_no_project_is_named(project):
    said = run("set_up_django('cache sink')", project)
    assert "ConfigurationError: the cache sink works inside a Django project, and none is named here" in said
    assert "DJANGO_SETTINGS_MODULE=shop.settings" in said


@pytest.mark.parametrize(
    ("settings", "reason"),
    [("shpo.settings", "No module named 'shpo'"), ("broken_settings", "ZeroDivisionError: division by zero")],
)
def test_a_project_that_cannot_be_set_up_is_named_with_the_reason(project, settings, reason):
    said = run("set_up_django('cache sink')", project, settings)
    assert f"DJANGO_SETTINGS_MODULE={settings}" in said
    assert reason in said
    assert "PYTHONPATH" in said


def test_without_django_it_says_what_to_install(project):
    said = run("import sys; sys.modules['django'] = None; set_up_django('cache sink')", project)
    assert 'PluginError: the cache sink needs Django; pip install "active-data-flow[django]"' in said
