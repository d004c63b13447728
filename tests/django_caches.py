"""Caches of a Django project for one test: each has a place of its own, and is read back without our sink."""

from __future__ import annotations

import base64
import itertools
import pickle
import socket
import sqlite3
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django_project.setup import set_up_django, use_databases

MANY = {"MAX_ENTRIES": 10**6}
"""Options of a cache that throws nothing out."""

_numbers = itertools.count(1)


@contextmanager
def caches_of(**caches: dict[str, Any]) -> Generator[None]:
    """Django with these CACHES, for a while."""
    set_up_django()
    from django.test import override_settings

    with override_settings(CACHES=caches):
        yield
        _disconnect()


def _disconnect() -> None:
    """Close what `get` has opened; Django leaves Redis to the garbage collector."""
    from django.core.cache import caches

    for backend in caches.all(initialized_only=True):
        backend.close()
        for pool in getattr(getattr(backend, "_cache", None), "_pools", {}).values():
            pool.disconnect()


def get(key: str, alias: str = "default") -> Any:
    """What is under a key, as the project's code gets it."""
    from django.core.cache import caches

    return caches[alias].get(key)


class Store(ABC):
    """A kind of cache: gives new caches to a project, and looks into them without Django."""

    def new(self, **options: Any) -> str:
        """Add an empty cache to the project's CACHES; its alias."""
        from django.core.cache import caches

        alias = f"place{next(_numbers)}"
        caches.settings[alias] = {"VERSION": 1, "TIMEOUT": None, **self.settings(alias), **options}
        return alias

    @abstractmethod
    def settings(self, alias: str) -> dict[str, Any]:
        """Settings of a cache with a place of its own."""

    @abstractmethod
    def values(self, alias: str) -> list[Any]:
        """All that is in it."""


class LocalMemory(Store):
    def settings(self, alias: str) -> dict[str, Any]:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": alias, "OPTIONS": dict(MANY)}

    def values(self, alias: str) -> list[Any]:
        from django.core.cache.backends import locmem

        return [pickle.loads(value) for value in locmem._caches.get(alias, {}).values()]


class Files(Store):
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def settings(self, alias: str) -> dict[str, Any]:
        place = str(self.directory / alias)
        return {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": place,
            "OPTIONS": {**MANY},
        }

    def values(self, alias: str) -> list[Any]:
        return [self._value(path) for path in (self.directory / alias).glob("*.djcache")]

    def _value(self, path: Path) -> Any:
        with path.open("rb") as file:
            pickle.load(file)  # when it ends
            return pickle.loads(zlib.decompress(file.read()))


class Table(Store):
    """Of an SQLite database."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "caches.db"
        use_databases(default=f"sqlite:///{self.path}")

    def settings(self, alias: str) -> dict[str, Any]:
        from django.core.management import call_command

        call_command("createcachetable", alias, verbosity=0)
        return {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": alias, "OPTIONS": dict(MANY)}

    def values(self, alias: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            found = connection.execute(f"SELECT value FROM {alias}").fetchall()
        return [pickle.loads(base64.b64decode(value)) for (value,) in found]


class InRedis(Store):
    def __init__(self, url: str) -> None:
        self.url = url

    def settings(self, alias: str) -> dict[str, Any]:
        place = {"LOCATION": self.url, "KEY_PREFIX": alias}
        return {"BACKEND": "django.core.cache.backends.redis.RedisCache", **place}

    def values(self, alias: str) -> list[Any]:
        import redis

        with redis.Redis.from_url(self.url) as client:
            keys = list(client.scan_iter(f"{alias}:*", count=10_000))
            return [pickle.loads(value) for value in client.mget(keys)] if keys else []


class InMemcached(Store):
    def __init__(self, address: str) -> None:
        self.address = address

    def settings(self, alias: str) -> dict[str, Any]:
        place = {"LOCATION": self.address, "KEY_PREFIX": alias}
        return {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", **place}

    def values(self, alias: str) -> list[Any]:
        from pymemcache.client.base import Client
        from pymemcache.serde import pickle_serde

        with closing(Client(self.address, serde=pickle_serde, allow_unicode_keys=True)) as client:
            return list(client.get_many([key for key in self._keys() if key.startswith(f"{alias}:")]).values())

    def _keys(self) -> list[str]:
        host, _, port = self.address.partition(":")
        with socket.create_connection((host, int(port)), 10) as connection, connection.makefile("rwb") as lines:
            while True:
                lines.write(b"lru_crawler metadump all\r\n")
                lines.flush()
                first = lines.readline()
                if not first.startswith(b"BUSY"):
                    break
                time.sleep(0.01)
            found = [] if first == b"END\r\n" else [first, *iter(lines.readline, b"END\r\n")]
        return [unquote(line.decode().split()[0].removeprefix("key=")) for line in found]
