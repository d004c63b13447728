"""Into Django's caches."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks.harness import ROOT, Case, Contestant, at_most
from benchmarks.schema import NAMES
from benchmarks.setting import Setting, program

SECONDS = 3_600


@contextmanager
def redis(setting: Setting) -> Generator[Case]:
    """Entries that expire, into Redis without a log."""
    with _redis() as server:
        clean, rows = partial(_flush, server), partial(_rows, server)
        project = {"BENCHMARK_REDIS": server.url()}
        contestants = [replace(one.after(clean), rows=rows) for one in _contestants(setting, project)]
        yield Case("CSV → Django's cache in Redis", setting.rows, contestants)


@contextmanager
def memory(setting: Setting) -> Generator[Case]:
    """The same into the memory of the process."""
    yield Case("CSV → Django's cache in memory", setting.rows, _contestants(setting, {}))


def _contestants(setting: Setting, project: dict[str, str]) -> list[Contestant]:
    path = setting.made(".csv")
    sink = {"type": "cache", "key_attribute": "id", "prefix": "row:", "expires_in": SECONDS}
    contestants = [
        setting.flow({"type": "file", "path": str(path)}, sink),
        program("rows, json.dumps, set_many", "references.set_many", "rows", path, SECONDS, goal=at_most(1.0)),
        program("set_many alone", "references.set_many", "texts", path, SECONDS, goal=at_most(1 / 0.9)),
    ]
    environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.caches", **project}
    return [replace(one, environment=environment) for one in contestants]


@contextmanager
def _redis() -> Generator[Any]:
    sys.path.insert(0, str(ROOT / "tests"))
    from services import Redis

    server = Redis(log=False)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _flush(server: Any) -> None:
    import redis

    with redis.Redis.from_url(server.url()) as client:
        client.flushall()


def _rows(server: Any) -> list[tuple[Any, ...]]:
    import redis

    with redis.Redis.from_url(server.url()) as client:
        found = client.mget(list(client.scan_iter(":1:row:*", count=10_000)))
    records = [json.loads(pickle.loads(value)) for value in found]
    return [tuple(record[name] for name in NAMES) for record in records]
