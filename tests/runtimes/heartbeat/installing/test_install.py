from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.installing.project import add_setting, include_urls, install_app

SETTINGS = 'INSTALLED_APPS = [\n    "django.contrib.admin",\n]\n'
URLS = 'from django.urls import path\n\nurlpatterns = [\n    path("admin/", admin.site.urls),\n]\n'


@pytest.fixture
def files(tmp_path):
    (tmp_path / "settings.py").write_text(SETTINGS)
    (tmp_path / "urls.py").write_text(URLS)
    (tmp_path / "settings.py").chmod(0o640)
    return tmp_path / "settings.py", tmp_path / "urls.py"


def test_each_file_is_edited_once(files):
    settings, urls = files
    said = [install_app(settings), add_setting(settings), include_urls(urls)]
    assert all(": added " in line for line in said)
    after = [file.read_text() for file in files]
    assert '    "django.contrib.admin",\n    "active_data_flow.runtimes.heartbeat",\n]' in after[0]
    assert '\nACTIVE_DATA_FLOW = {\n    "BUDGET": "20s",' in after[0]
    assert "from django.urls import include, path\n" in after[1]
    assert '    path("adf/", include("active_data_flow.runtimes.heartbeat.urls")),\n]' in after[1]
    said = [install_app(settings), add_setting(settings), include_urls(urls)]
    assert all(line.endswith(" already") for line in said)
    assert [file.read_text() for file in files] == after
    assert settings.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in settings.parent.iterdir()) == ["settings.py", "urls.py"]


def test_what_can_t_be_edited_safely_is_shown_and_left_alone(files):
    settings, urls = files
    settings.write_text("from base import *\nINSTALLED_APPS += ['x']\n")
    urls.write_text("urlpatterns = make()\n")
    assert 'add to INSTALLED_APPS:\n\n    "active_data_flow.runtimes.heartbeat",\n' in install_app(settings)
    said = include_urls(urls)
    assert 'path("adf/", include("active_data_flow.runtimes.heartbeat.urls")),' in said
    assert "from django.urls import include, path" in said
    assert urls.read_text() == "urlpatterns = make()\n"
    settings.write_text("broken = (\n")
    assert "could not be edited safely; add:\n" in add_setting(settings)


def test_files_that_can_t_be_written_are_named(files):
    settings, _ = files
    with pytest.raises(ConfigurationError, match=r"none/settings\.py can't be read"):
        add_setting(settings.parent / "none" / "settings.py")


class Project:
    """A new Django project, as django-admin makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("-m", "django", "startproject", "site_of_test", ".")
        self.run("manage.py", "startapp", "shop")
        settings = folder / "site_of_test" / "settings.py"
        settings.write_text(settings.read_text().replace("INSTALLED_APPS = [", "INSTALLED_APPS = [\n    'shop',"))

    def run(self, *command, fails=False):
        left_out = ("DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if name not in left_out}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_nothing_to_a_flow_that_runs(tmp_path):
    project = Project(tmp_path)
    said = project.run("-m", "active_data_flow.runtimes.heartbeat")
    assert said.count(": added ") == 3
    assert "manage.py migrate, then manage.py adf_install once more" in said
    assert "made a record" not in project.run("manage.py", "migrate")
    said = project.run("manage.py", "adf_install")
    token = re.search(r"adf_[\w-]{43}", said)[0]
    again = project.run("manage.py", "adf_install")
    assert again.count("already") == 3
    assert not re.search(r"adf_[\w-]{43}", again)

    said = project.run("manage.py", "adf_new", "flow", "PriceSync")
    assert "wrote " in said
    project.run("manage.py", "adf_new", "flow", "other_sync", "--app", "shop")
    assert "has a PriceSync already" in project.run("manage.py", "adf_new", "flow", "price_sync", fails=True)
    assert "no app 'shpo'; did you mean shop" in project.run(
        "manage.py", "adf_new", "flow", "x", "--app", "shpo", fails=True
    )
    assert "OK" in project.run("manage.py", "test", "shop")
    said = project.run("manage.py", "adf_sync")
    assert "created price_sync\n" in said
    assert "price_sync" in project.run("manage.py", "adf_heartbeat")
    check = "from django.test import Client;"
    check += "r = Client(SERVER_NAME='localhost').post('/adf/heartbeat', content_type='application/json',"
    check += f"HTTP_AUTHORIZATION='Bearer {token}');"
    check += "print(r.status_code, r.json())"
    said = project.run("manage.py", "shell", "-c", check)
    assert "200 {'flows_due': 0" in said
    runs = "from active_data_flow.runtimes.heartbeat.models import *;"
    runs += "print([(r.status, r.records_read, r.records_written) for r in DataFlowRun.objects.all()])"
    assert "('success', 3, 2), ('success', 3, 2)" in project.run("manage.py", "shell", "-c", runs)
    assert "adf.W002" in project.run("manage.py", "check")


@pytest.mark.slow
def test_a_folder_that_is_no_project(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "active_data_flow.runtimes.heartbeat"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "there is no manage.py here; go to the folder of the project\n")
