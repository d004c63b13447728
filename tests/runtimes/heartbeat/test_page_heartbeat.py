"""The page for users says what is there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from django.conf import settings
from django.test import override_settings

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings  # noqa: E402
from active_data_flow.runtimes.heartbeat.sync import sync  # noqa: E402

ROOT = Path(__file__).parents[3]
APP = ROOT / "src" / "active_data_flow" / "runtimes" / "heartbeat"
PAGE = (ROOT / "docs" / "heartbeat.md").read_text()


def table(heading):
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([\w.]+)`", section, re.MULTILINE)


def code():
    return "\n".join(path.read_text() for path in APP.rglob("*.py"))


def test_all_settings_are_told():
    assert table("Settings") == [name.upper() for name in HeartbeatSettings.model_fields]


def test_all_checks_are_told():
    assert sorted(table("Checks")) == sorted(set(re.findall(r'id="(adf\.[EW]\d+)"', code())))


def test_all_refusals_are_told():
    own = "\n".join(path.read_text() for path in [*(APP / "security").glob("*.py"), APP / "views.py"])
    found = set(re.findall(r'RefusedError\(\s*(\d+), "(\w+)"', own))
    told = {
        (status, name)
        for status, names in re.findall(r"^\| (\d+) \| ([^|]*) \|", PAGE, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    assert found <= told


def test_the_example_runs(sqlite_database, tmp_path, monkeypatch):
    example = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    app = tmp_path / "page_app"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "flows.py").write_text(example)
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "prices-1.csv").write_text("sku,price\na,1\nb,0\nc,3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "page_app"]):
        assert "supplier_prices" in sync().created
        result = heartbeat()
    for name in [name for name in sys.modules if name.startswith("page_app")]:
        del sys.modules[name]
    assert {"flow": "supplier_prices", "status": "success"}.items() <= next(
        run for run in result.triggered if run["flow"] == "supplier_prices"
    ).items()
