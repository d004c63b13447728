"""Django's caches, struck by each kind of fault, with CSV files as the source."""

from __future__ import annotations

import json
import pickle
import zlib
from pathlib import Path
from typing import Any, ClassVar

import pytest

import crash_flows
from active_data_flow.testing.crash import CrashSuite
from active_data_flow.testing.crash.suite import cuts_at
from crash_flows import CSV, records, write_files, write_flow

BACKENDS = "django.core.cache.backends"
SETTINGS = """
SECRET_KEY = "of a test"
USE_TZ = True
CACHES = {"default": CACHE}
"""


class OfCaches(CrashSuite):
    """A project of its own in each world; positions are in the world's directory."""

    sink: ClassVar[dict[str, Any]] = {"type": "cache", "key_attribute": "id", "prefix": "name:", "batch_size": 40}

    block_size: ClassVar = 4096

    @pytest.fixture(autouse=True)
    def _settings(self, monkeypatch):
        monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop_settings")

    def cache(self, directory: Path) -> dict[str, Any]:
        raise NotImplementedError

    def flow(self, directory):
        settings = SETTINGS.replace("CACHE}", f"{self.cache(directory)}}}")
        (directory / "shop_settings.py").write_text(settings)
        write_files(directory / "in", ".csv")
        return write_flow(directory, CSV | {"block_size": self.block_size}, self.sink, parallelism=2)

    def expected(self, directory):
        return crash_flows.all_records()

    def entries(self, directory: Path) -> list[str]:
        raise NotImplementedError

    def rows(self, directory):
        return [(row["id"], row["name"]) for row in map(json.loads, self.entries(directory))]


class OfRedis(OfCaches):
    cuts: ClassVar = cuts_at(b"EXEC")

    @pytest.fixture(autouse=True)
    def back_up(self, redis):
        """However the test ends, the server runs for the next one."""
        self.server = redis
        yield
        if redis.server.process is None:
            redis.start()

    def address(self):
        return "127.0.0.1", self.server.port

    def stop_server(self, how):
        self.server.kill() if how == "kill" else self.server.server.stop()

    def start_server(self):
        self.server.start()

    def cache(self, directory):
        host, port = self.reached
        place = {"LOCATION": f"redis://{host}:{port}/0", "KEY_PREFIX": directory.name}
        return {"BACKEND": f"{BACKENDS}.redis.RedisCache", "TIMEOUT": 3600, **place}

    def entries(self, directory):
        import redis

        with redis.Redis.from_url(self.server.url()) as client:
            keys = list(client.scan_iter(f"{directory.name}:1:name:*", count=10_000))
            return [pickle.loads(value) for value in client.mget(keys)] if keys else []


class TestRedis(OfRedis):
    capabilities: ClassVar = frozenset({"incremental"})
    moments: ClassVar = 3


@pytest.mark.slow
class TestRedisAsServer(OfRedis):
    capabilities: ClassVar = frozenset({"incremental", "takeover", "server", "restarts"})


@pytest.mark.slow
class TestFiles(OfCaches):
    """A directory, whose backend looks at all files each time that it writes one: a small input."""

    capabilities: ClassVar = frozenset({"incremental", "takeover", "disk"})
    block_size: ClassVar = 400

    def cache(self, directory):
        options = {"MAX_ENTRIES": 10**6}
        return {"BACKEND": f"{BACKENDS}.filebased.FileBasedCache", "LOCATION": "cache", "OPTIONS": options}

    @pytest.fixture(autouse=True)
    def _few(self, monkeypatch):
        monkeypatch.setattr(crash_flows, "records", lambda number=0: records(number, 150))

    def entries(self, directory):
        return [_value(path) for path in (directory / "cache").glob("*.djcache")]


def _value(path: Path) -> Any:
    with path.open("rb") as file:
        pickle.load(file)  # when it ends
        return pickle.loads(zlib.decompress(file.read()))
