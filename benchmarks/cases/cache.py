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

from benchmarks.harness import ROOT, Case, Contestant, Goal, at_most
from benchmarks.schema import NAMES
from benchmarks.setting import Setting, program

SECONDS = 3_600
PROJECT = {"DJANGO_SETTINGS_MODULE": "benchmarks.caches"}


@contextmanager
def redis(setting: Setting) -> Generator[Case]:
    """Entries that expire, from a file into Redis, against the loop that one would write."""
    path = setting.made(".csv")
    sink = {"type": "cache", "key_attribute": "id", "prefix": "row:", "expires_in": SECONDS}
    contestants = [
        setting.flow({"type": "file", "path": str(path)}, sink),
        program("rows, json.dumps, set_many", "references.set_many", "rows", path, SECONDS, goal=at_most(1.0)),
    ]
    with _redis() as server:
        yield Case("CSV → Django's cache in Redis", setting.rows, _into(server, contestants))


@contextmanager
def set_many(setting: Setting) -> Generator[Case]:
    """The sink alone, which makes keys and texts, against `set_many` of such that were made before."""
    with _redis() as server:
        yield Case("the cache sink, Redis", setting.rows, _into(server, _alone(setting, goal=at_most(1 / 0.9))))


@contextmanager
def memory(setting: Setting) -> Generator[Case]:
    """The same into the memory of the process, where a text costs more than what the cache does with it."""
    contestants = [replace(one, environment=PROJECT) for one in _alone(setting, goal=None)]
    yield Case("the cache sink, local memory", setting.rows, contestants)


def _alone(setting: Setting, goal: Goal | None) -> list[Contestant]:
    path = setting.made(".csv")
    return [
        program("CacheSink", "ours.write_entries", path, SECONDS),
        program("set_many alone", "references.set_many", "texts", path, SECONDS, goal=goal),
        program("json.dumps, set_many", "references.set_many", "records", path, SECONDS, goal=at_most(1.0)),
    ]


def _into(server: Any, contestants: list[Contestant]) -> list[Contestant]:
    clean, rows = partial(_flush, server), partial(_rows, server)
    environment = {**PROJECT, "BENCHMARK_REDIS": server.url()}
    return [replace(one.after(clean), rows=rows, environment=environment) for one in contestants]


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
