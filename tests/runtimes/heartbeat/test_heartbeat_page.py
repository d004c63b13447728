"""The example of the page runs as it stands there."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.test import override_settings

from django_project.setup import set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402  # needs Django
from active_data_flow.runtimes.heartbeat.models import DataFlow  # noqa: E402

PAGE = Path(__file__).parents[3] / "docs" / "heartbeat.md"


def test_the_example_runs(sqlite_database, tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "page_app").mkdir()
    (tmp_path / "page_app" / "__init__.py").touch()
    (tmp_path / "page_app" / "flows.py").write_text(code)
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "1.csv").write_text("sku,price\na,1.5\nb,-1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "page_app"]):
        DataFlow.objects.create(name="price_sync", reference="page_app.flows:PriceSync")
        assert heartbeat().triggered[0]["status"] == "success"
    with closing(sqlite3.connect("shop.db")) as connection:
        assert connection.execute("SELECT sku, price FROM prices").fetchall() == [("a", 1.5)]
