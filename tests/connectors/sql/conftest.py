from __future__ import annotations

from pathlib import Path

import pytest

from sql_targets import Database

EVERY_DRIVER = [
    "sqlite",
    "sqlite+pysqlite",
    "postgresql",
    "postgresql+adbc",
    pytest.param("mysql", marks=pytest.mark.mariadb),
]
EVERY_DATABASE = ["sqlite", "postgresql", pytest.param("mysql", marks=pytest.mark.mariadb)]


def _url(scheme: str, request: pytest.FixtureRequest, directory: Path) -> str:
    dialect = scheme.partition("+")[0]
    if dialect == "sqlite":
        return f"{scheme}:///{directory}/test.db"
    fixture = {"postgresql": "postgres_url", "mysql": "mariadb_url"}[dialect]
    address: str = request.getfixturevalue(fixture)
    return f"{scheme}://{address.partition('://')[2]}"


@pytest.fixture(params=EVERY_DRIVER)
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database, once for each driver."""
    return Database(_url(request.param, request, tmp_path))


@pytest.fixture(params=EVERY_DATABASE)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database, once for each kind."""
    return Database(_url(request.param, request, tmp_path))


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/test.db")


@pytest.fixture
def postgresql(postgres_url: str) -> Database:
    return Database(postgres_url)
