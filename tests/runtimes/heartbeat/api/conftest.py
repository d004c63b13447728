"""A client of the API, with a token of each kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from django_project.fixtures import Database, _given, migrated_databases, sqlite_database
from django_project.setup import set_up_django

set_up_django()

from django.test import Client, override_settings  # noqa: E402

from active_data_flow.runtimes.heartbeat.models import DataFlow  # noqa: E402
from active_data_flow.runtimes.heartbeat.security.tokens import create_token  # noqa: E402

__all__ = ["migrated_databases", "sqlite_database"]
VENDORS = ["sqlite", "postgresql", pytest.param("mariadb", marks=[pytest.mark.mariadb, pytest.mark.slow])]
ROOT = "/adf/api"


class Api:
    """Sends requests as the holder of a token with all scopes, or with others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client = Client()
        self.tokens: dict[tuple[str, ...], str] = {}

    def send(
        self, method: str, path: str, body: Any = None, scopes: tuple[str, ...] = ("read", "run", "write"), **more
    ):
        headers = {"Authorization": f"Bearer {self.token(*scopes)}", **more.pop("headers", {})}
        data = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body)
        return self.client.generic(
            method.upper(), f"{ROOT}{path}", data, content_type="application/json", headers=headers, **more
        )

    def ok(self, method: str, path: str, body: Any = None, status: int = 200, **more) -> Any:
        """The answer, which must be well."""
        response = self.send(method, path, body, **more)
        assert response.status_code == status, response.content
        return json.loads(response.content) if response.content else None

    def problem(self, method: str, path: str, body: Any = None, *, status: int, **more) -> dict[str, Any]:
        """The answer, which must be a problem of that status."""
        response = self.send(method, path, body, **more)
        assert response.status_code == status, response.content
        assert response["Content-Type"] == "application/problem+json"
        found = json.loads(response.content)
        assert found["status"] == status
        assert found["code"]
        assert found["detail"]
        return found

    def token(self, *scopes: str) -> str:
        if scopes not in self.tokens:
            self.tokens[scopes] = create_token("-".join(scopes), scopes)[1]
        return self.tokens[scopes]

    def configuration(self, name: str = "prices", **more: Any) -> dict[str, Any]:
        """A flow from one file to another, below an allowed folder."""
        source = self.folder / f"{name}.csv"
        if not source.exists():
            source.write_text("sku,price\na,1\nb,2\nc,x\n")
        return {
            "source": {"type": "file", "path": str(source)},
            "sink": {"type": "file", "path": str(self.folder / f"{name}-out.csv")},
            "schema": {"sku": "string", "price": "int64"},
            "on_error": {"reject": True},
            **more,
        }

    def make_flow(self, name: str = "prices", **more: Any) -> DataFlow:
        """A flow's record."""
        record = DataFlow(name=name, configuration=self.configuration(name), **more)
        record.save()
        return DataFlow.objects.get(name=name)


@pytest.fixture(params=VENDORS)
def database(request: pytest.FixtureRequest, migrated_databases: Callable[[str], str]) -> Iterator[Database]:
    """As everywhere, with MariaDB in the slow lane: what it does otherwise than others is below the API."""
    yield from _given(request.param, migrated_databases)


def _api(folder: Path) -> Iterator[Api]:
    settings = {"FILE_ROOTS": [str(folder)], "RATE_LIMIT": 100_000}
    with override_settings(ACTIVE_DATA_FLOW=settings):
        yield Api(folder)


@pytest.fixture
def api(database, tmp_path: Path) -> Iterator[Api]:
    """The API, once for each vendor of databases."""
    yield from _api(tmp_path)


@pytest.fixture
def sqlite_api(sqlite_database, tmp_path: Path) -> Iterator[Api]:
    """The API on SQLite, for what does not depend on the vendor."""
    yield from _api(tmp_path)
