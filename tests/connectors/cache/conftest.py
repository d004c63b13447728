from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from django_caches import Files, InMemcached, InRedis, LocalMemory, Store, Table, caches_of

EVERY_STORE = ["memory", "files", "table", "redis", pytest.param("memcached", marks=pytest.mark.memcached)]


def store_of(kind: str, directory: Path, request: pytest.FixtureRequest) -> Store:
    if kind == "redis":
        return InRedis(request.getfixturevalue("redis").url())
    if kind == "memcached":
        return InMemcached(request.getfixturevalue("memcached").address)
    return LocalMemory() if kind == "memory" else Files(directory) if kind == "files" else Table(directory)


@pytest.fixture
def project() -> Iterator[None]:
    """A Django project to whose CACHES stores add."""
    with caches_of():
        yield


@pytest.fixture(params=EVERY_STORE)
def store(request: pytest.FixtureRequest, tmp_path: Path, project: None) -> Store:
    """Each kind of cache."""
    return store_of(request.param, tmp_path, request)


@pytest.fixture
def memory(project: None) -> Store:
    """Caches in the memory of this process, for what does not depend on the kind."""
    return LocalMemory()
