"""The page for users says what is there."""

from __future__ import annotations

import re
from pathlib import Path

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings  # noqa: E402  # needs Django

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
