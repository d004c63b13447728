"""How long entries live."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

import pyarrow as pa
import pytest
import redis as redis_library

from active_data_flow.connectors.cache import CacheSink
from active_data_flow.core.errors import ConfigurationError, SchemaError
from cache_writing import written
from django_caches import InMemcached, InRedis, get

TEN_YEARS = 315_360_000


@pytest.fixture
def store(redis, project):
    return InRedis(redis.url())


def seconds_of(store, alias):
    """Key -> seconds that Redis keeps it for; -1: for ever."""
    with redis_library.Redis.from_url(store.url) as client:
        return {key.decode().rpartition(":")[2]: client.ttl(key) for key in client.scan_iter(f"{alias}:*")}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(300, 300), ("5m", 300), (0.2, 1), (1.5, 2), ("never", -1), (None, 77)],
)
def test_the_sink_says_for_all(store, given, seconds):
    alias = store.new(TIMEOUT=77)
    written(CacheSink(alias=alias, key_attribute="id", expires_in=given), [{"id": "a"}])
    assert 0 <= seconds - seconds_of(store, alias)["a"] <= 1


def test_a_field_says_for_each_record(store):
    alias = store.new()
    ttls = {"a": 100, "b": 200, "c": 100, "d": None, "e": 0.5}
    sink = CacheSink(alias=alias, key_attribute="id", expires_in=50, expires_in_attribute="options.ttl")
    assert written(sink, [{"id": key, "options": {"ttl": ttl}} for key, ttl in ttls.items()]) == []
    found = seconds_of(store, alias)
    wanted = {"a": 100, "b": 200, "c": 100, "d": 50, "e": 1}
    assert found.keys() == wanted.keys()
    assert all(0 <= wanted[key] - seconds <= 2 for key, seconds in found.items()), found


@pytest.mark.parametrize(
    ("column", "seconds"),
    [
        (pa.array([90], pa.duration("s")), 90),
        (pa.array([1500], pa.duration("ms")), 2),
        (pa.array([Decimal("60.0")], pa.decimal128(5, 1)), 60),
        (pa.array([60], pa.uint8()), 60),
        (pa.array([None], pa.null()), -1),
    ],
)
def test_seconds_are_numbers_or_durations(store, column, seconds):
    alias = store.new()
    sink = CacheSink(alias=alias, key_attribute="id", expires_in_attribute="ttl")
    written(sink, pa.record_batch({"id": ["a"], "ttl": column}))
    assert abs(seconds_of(store, alias)["a"] - seconds) <= 1


def test_seconds_that_are_text_have_to_be_cast(store):
    with pytest.raises(SchemaError, match="expires_in_attribute ttl is a string; seconds are numbers or durations"):
        written(CacheSink(alias=store.new(), key_attribute="id", expires_in_attribute="ttl"), [{"id": 1, "ttl": "5"}])


@pytest.mark.parametrize("ttl", [0.0, -5.0, math.nan, math.inf, TEN_YEARS + 1.0])
def test_a_time_to_live_that_is_none_rejects_its_record(store, ttl):
    alias = store.new()
    sink = CacheSink(alias=alias, key_attribute="id", expires_in_attribute="ttl")
    (reject,) = written(sink, [{"id": "a", "ttl": 60.0}, {"id": "b", "ttl": ttl}])
    assert reject.record["id"] == "b"
    assert reject.error == f"ttl is {ttl:g}; seconds to live are more than 0 and at most {TEN_YEARS}"
    assert list(seconds_of(store, alias)) == ["a"]


def test_a_field_that_is_not_there_rejects_the_record(store):
    sink = CacheSink(alias=store.new(), key_attribute="id", expires_in_attribute="tll")
    (reject,) = written(sink, [{"id": 1, "ttl": 5}])
    assert reject.error == "there is no field 'tll'; did you mean ttl?"


@pytest.mark.parametrize("given", [0, -1, "0s", TEN_YEARS + 1, "for ever", math.nan])
def test_the_option_is_positive(given):
    with pytest.raises(ConfigurationError, match="expires_in"):
        CacheSink(key_attribute="id", expires_in=given)


def test_a_timeout_of_the_alias_that_keeps_nothing_is_an_error(store):
    with pytest.raises(ConfigurationError, match=r"has TIMEOUT 0, which keeps nothing; say expires_in"):
        written(CacheSink(alias=store.new(TIMEOUT=0), key_attribute="id"), [{"id": 1}])


def test_the_last_record_of_a_key_says_how_long_it_lives(store):
    alias = store.new()
    sink = CacheSink(alias=alias, key_attribute="id", expires_in_attribute="ttl")
    written(sink, [{"id": "a", "ttl": 500}, {"id": "b", "ttl": 100}, {"id": "a", "ttl": 100}, {"id": "b", "ttl": 500}])
    found = seconds_of(store, alias)
    assert found["a"] <= 100 < found["b"] <= 500


@pytest.mark.memcached
def test_what_memcached_can_not_count_to_lives_for_ever(memcached, project, monkeypatch):
    import time

    store = InMemcached(memcached.address)
    alias = store.new()
    in_2037 = dt.datetime(2037, 1, 1, tzinfo=dt.UTC).timestamp()
    monkeypatch.setattr(time, "time", lambda: in_2037)
    written(CacheSink(alias=alias, key_attribute="id", expires_in=2 * 365 * 86400), [{"id": "a"}])
    monkeypatch.undo()
    assert get("a", alias) is not None
