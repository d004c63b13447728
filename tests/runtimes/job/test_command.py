"""The worker's command, and the app's part in a project's start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from django_project.setup import app_settings_of, set_up_django
from job_workers import TESTS

set_up_django()

from active_data_flow.runtimes.job.management.commands.adf_worker import Command  # noqa: E402


def run(**options) -> None:
    Command().handle(**({"queue": [], "burst": True} | options))


def test_a_queue_that_is_not_there_is_named():
    with pytest.raises(CommandError, match=r"there is no queue 'nigth'; did you mean night\?"):
        run(queue=["nigth"])


def test_workers_that_are_started_in_another_way_are_said_to_be():
    with (
        app_settings_of(JOB={"BACKEND": "job_backends.Threads"}),
        pytest.raises(CommandError, match="Threads has workers of its own"),
    ):
        run()


def test_settings_that_are_wrong_are_an_error_of_the_command():
    with override_settings(ACTIVE_DATA_FLOW={"JOB": {"BACKEND": "x"}}), pytest.raises(CommandError, match="no backend"):
        run()


def test_a_project_s_start_names_flows_whose_queue_is_not_there(tmp_path):
    (tmp_path / "astray").mkdir()
    (tmp_path / "astray" / "__init__.py").touch()
    (tmp_path / "astray" / "flows.py").write_text(
        "from django_project.depot.flows import Counting\n\n\nclass Astray(Counting):\n    queue = 'nigth'\n"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "django_project.settings",
        "PYTHONPATH": f"{TESTS}:{tmp_path}",
        "ADF_TEST_APPS": "active_data_flow.runtimes.job,django_project.depot,astray",
    }
    command = [sys.executable, "-m", "django", "check"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "(adf.E103) flow astray.flows:Astray: there is no queue 'nigth'; did you mean night?" in done.stderr
    assert done.stderr.count("adf.E") == 1


def test_the_help_has_examples(capsys):
    with pytest.raises(SystemExit):
        call_command(Command(), "--help")
    assert "examples:\n  manage.py adf_worker\n" in capsys.readouterr().out
