"""What docs/job.md shows, works."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

_PAGE = Path(__file__).parents[3] / "docs" / "job.md"
_PROJECT = """
SECRET_KEY = "of a test"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "project.db",
                         "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"}}}
"""
_MANAGE = """
import django
from django.core.management import call_command

django.setup()
call_command("check")
for command in (["migrate", "-v0"], ["adf_heartbeat"], ["adf_worker", "--queue", "night", "--burst"]):
    call_command(*command)
"""


def test_the_example_runs(tmp_path):
    settings, flows = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)[:2]
    (tmp_path / "settings.py").write_text(f"{_PROJECT}\n{settings}\nINSTALLED_APPS += ['catalogue']\n")
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "catalogue" / "__init__.py").touch()
    (tmp_path / "catalogue" / "flows.py").write_text(flows)
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "monday.csv").write_text("sku,price\na,1\nb,2\n")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", _MANAGE]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=90
    )
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "prices.db")) as connection:
        assert connection.execute("SELECT sku, price FROM prices ORDER BY sku").fetchall() == [("a", 1), ("b", 2)]


def test_the_queue_of_one_s_own_is_the_tests_own():
    shown = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)[2]
    body = shown[shown.index("thread = ") :]
    assert re.sub(r"\s+", " ", body) in re.sub(
        r"\s+", " ", (_PAGE.parents[1] / "tests" / "job_backends.py").read_text()
    )
