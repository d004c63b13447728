"""Fixtures of tests that need Django and a database; a folder's conftest imports those that it uses.

from django_project.fixtures import database, migrated_databases  # noqa: F401
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from django_project.setup import close_connections, empty, migrate, set_up_django, use_databases

VENDORS = ["sqlite", "postgresql", pytest.param("mariadb", marks=[pytest.mark.mariadb, pytest.mark.slow])]
_made: dict[str, str] = {}  # each folder's conftest has a fixture of its own, but there is one database for all


@dataclass(frozen=True)
class Database:
    """The database of a test.

    Attributes:
        vendor: ``sqlite``, ``postgresql`` or ``mariadb``.
        url: Its address; other processes get it as ADF_TEST_DATABASE.
    """

    vendor: str
    url: str


@pytest.fixture(scope="session")
def migrated_databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Gives the address of this process's database of a vendor, with all tables."""

    def make(vendor: str) -> str:
        if vendor == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('django') / 'project.db'}"
        server = request.getfixturevalue("postgres" if vendor == "postgresql" else "mariadb")
        server.run_sql("CREATE DATABASE django" + (" CHARACTER SET utf8mb4" if vendor == "mariadb" else ""))
        return server.url("django")

    def find(vendor: str) -> str:
        if vendor not in _made:
            url = make(vendor)
            set_up_django()
            use_databases(default=url)
            migrate()
            close_connections()
            _made[vendor] = url
        return _made[vendor]

    return find


@pytest.fixture(params=VENDORS)
def database(request: pytest.FixtureRequest, migrated_databases: Callable[[str], str]) -> Iterator[Database]:
    """Django with an empty database: the test runs once for each vendor."""
    yield from _given(request.param, migrated_databases)


@pytest.fixture
def sqlite_database(migrated_databases: Callable[[str], str]) -> Iterator[Database]:
    """Django with an empty SQLite database, for what does not depend on the vendor."""
    yield from _given("sqlite", migrated_databases)


def _given(vendor: str, find: Callable[[str], str]) -> Iterator[Database]:
    url = find(vendor)
    set_up_django()
    use_databases(default=url)
    empty()
    yield Database(vendor, url)
    close_connections()
