"""The README's way into a Django project, in one that `startproject` has just made."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

CLEAN = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}  # other tests set it
README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## Inside a Django project")[2].partition("\n## ")[0]
MODELS = """
from django.db import models


class Price(models.Model):
    sku = models.CharField(max_length=16, unique=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with an app and its model."""
    python(tmp_path, "-m", "django", "startproject", "config", ".")
    python(tmp_path, "manage.py", "startapp", "shop")
    (tmp_path / "shop" / "models.py").write_text(MODELS)
    settings = tmp_path / "config" / "settings.py"
    settings.write_text(settings.read_text().replace("INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "shop",'))
    python(tmp_path, "manage.py", "makemigrations", "shop")
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "prices-1.csv").write_text("sku,price\na,1.50\nb,2.25\n")
    return tmp_path


def python(folder: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=CLEAN, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_five_commands_and_a_flow_beside_the_models(project: Path) -> None:
    commands = re.findall(r"^\$ python (.*?)\s*(?:#.*)?$", SECTION, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        python(project, *command.split())
    (flow,) = re.findall(r"```python\n# shop/flows.py\n(.*?)```", SECTION, re.DOTALL)
    (project / "shop" / "flows.py").write_text(flow)
    python(project, "manage.py", "adf_sync")
    assert "price_sync" in python(project, "manage.py", "adf_heartbeat")
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        assert database.execute("SELECT sku, price FROM shop_price ORDER BY sku").fetchall() == [
            ("a", 1.5),
            ("b", 2.25),
        ]
