"""Servers are started when the first test asks for them and live as long as the run; databases live for one test."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from services import MariaDB, Memcached, PostgreSQL, Redis

_numbers = itertools.count(1)

# What is slow is the machine, which others use too; how much is generated is the tests' own business. The default run
# generates the same examples every time; `make fuzz` looks for new ones.
_QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, **_QUIET)
settings.register_profile("fuzz", derandomize=False, **_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long a soak is."""
    parser.addoption("--soak-seconds", type=float, default=3600.0, help="length of the soak; default: an hour")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the soak out of every run that doesn't ask for it by name, whatever else it selects."""
    if "soak" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


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


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """A Redis server."""
    server = Redis()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def memcached() -> Iterator[Memcached]:
    """A Memcached server."""
    server = Memcached()
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
