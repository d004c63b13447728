"""Servers are started when the first test asks for them and live as long as the run; databases live for one test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from services import MariaDB, PostgreSQL

_numbers = itertools.count(1)

# what is slow is the machine, which others use too; how much is generated is the tests' own business
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A PostgreSQL server."""
    server = PostgreSQL()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """A MariaDB server."""
    server = MariaDB()
    server.start()
    yield server
    server.close()


@pytest.fixture
def postgres_url(postgres: PostgreSQL) -> Iterator[str]:
    """Address of an empty PostgreSQL database of the test's own."""
    name = f"test_{next(_numbers)}"
    postgres.run_sql(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.run_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb_url(mariadb: MariaDB) -> Iterator[str]:
    """Address of an empty MariaDB database of the test's own."""
    name = f"test_{next(_numbers)}"
    mariadb.run_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield mariadb.url(name)
    mariadb.run_sql(f"DROP DATABASE {name}")
