"""The backends of Django's caches, and how they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from active_data_flow.core.errors import ConfigurationError, SinkError
from active_data_flow.core.near_names import near_names

Backend = Any
"""A `django.core.cache.backends.base.BaseCache`; the stubs of Django lack half of what is used of it."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What kind of backend it is.

    Attributes:
        redis: Redis, by Django's own backend.
        memcached: Memcached, by any library.
        database: A table of a database.
        files: Files of a directory.
        memory: Memory of this process.
        tells: Whether `set_many` tells what it failed to write.
    """

    redis: bool
    memcached: bool
    database: bool
    files: bool
    memory: bool
    tells: bool


def backend_of(alias: str) -> Backend:
    """A new connection to a cache of the project.

    Raises:
        ConfigurationError: There is no such alias, or its backend can't be made.
        SinkError: Its folder can't be made, or it keeps nothing.
    """
    from django.core import cache
    from django.core.cache.backends.base import InvalidCacheBackendError
    from django.core.cache.backends.dummy import DummyCache

    caches: Any = cache.caches
    known: Mapping[str, Any] = caches.settings
    if alias not in known:
        raise ConfigurationError(f"alias: CACHES of the Django project has no {alias!r}{near_names(alias, set(known))}")
    try:
        backend: Backend = caches.create_connection(alias)
    except OSError as error:  # of files, whose folder is made here
        raise SinkError(f"the cache {alias} can't be opened: {type(error).__name__}: {error}") from error
    except (InvalidCacheBackendError, ImportError) as error:
        raise ConfigurationError(f"the cache {alias} can't be opened: {error}; install what it needs") from error
    if isinstance(backend, DummyCache):
        raise SinkError(f"the cache {alias} is a DummyCache, which keeps nothing; give the alias another backend")
    return backend


def traits_of(backend: Backend) -> Traits:
    """What kind of backend it is."""
    from django.core.cache.backends import db, filebased, locmem, memcached
    from django.core.cache.backends.redis import RedisCache  # pyright: ignore[reportMissingModuleSource, reportMissingImports, reportUnknownVariableType]  # not in the stubs

    is_memcached = isinstance(backend, memcached.BaseMemcachedCache)
    # both have errors swallowed: by the library, or as the server is asked not to answer
    options: Mapping[str, Any] = getattr(backend, "_options", {}) if is_memcached else {}
    told = is_memcached and not (options.get("ignore_exc") or options.get("default_noreply"))
    raises = isinstance(backend, RedisCache | locmem.LocMemCache | filebased.FileBasedCache)
    return Traits(
        redis=isinstance(backend, RedisCache),
        memcached=is_memcached,
        database=isinstance(backend, db.BaseDatabaseCache),
        files=isinstance(backend, filebased.FileBasedCache),
        memory=isinstance(backend, locmem.LocMemCache),
        tells=told or raises,
    )


__all__ = ["Backend", "Traits", "backend_of", "traits_of"]
