"""What happens when a cache fails, wholly or in part: no record counts as written that is not there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import redis as redis_library
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from active_data_flow.connectors.cache import CacheSink
from active_data_flow.connectors.cache.client import open_cache
from active_data_flow.core.errors import ConfigurationError, SinkError, SinkUnavailableError
from cache_writing import written
from django_caches import InMemcached, InRedis, LocalMemory, Table, get
from services import Memcached, Redis, free_port

ROWS = [{"id": f"{'bad' if number % 3 == 0 else 'good'}{number}"} for number in range(10)]
GOOD = [row["id"] for row in ROWS if row["id"].startswith("good")]
BAD = [row["id"] for row in ROWS if row["id"].startswith("bad")]


class Picky(LocMemCache):
    """Tells which entries it did not take: those whose key begins with ``bad``, as often as its options say."""

    def __init__(self, name, params):
        super().__init__(name, params)
        self.calls = []
        self.times = params["OPTIONS"].get("times", 99)

    def set_many(self, data, timeout=None, version=None):
        self.calls.append(list(data))
        failing = [key for key in data if key.startswith("bad") and len(self.calls) <= self.times]
        super().set_many({key: value for key, value in data.items() if key not in failing}, timeout, version)
        return failing


class Forgetful(BaseCache):
    """Keeps nothing."""

    def __init__(self, name, params):
        super().__init__(params)

    def set(self, key, value, timeout=None, version=None):
        """Forget it."""

    def get(self, key, default=None, version=None):
        return default

    def delete(self, key, version=None):
        return False


@pytest.fixture
def picky(memory):
    def new(**options):
        return memory.new(BACKEND=f"{__name__}.Picky", OPTIONS={"MAX_ENTRIES": 10**6, **options})

    return new


@pytest.fixture
def table(tmp_path, project):
    """A table that refuses keys that begin with ``bad``, which Django's backend keeps to itself."""
    store = Table(tmp_path)
    alias = store.new()
    refuse = f"CREATE TRIGGER refuse BEFORE INSERT ON {alias} WHEN NEW.cache_key LIKE ':1:bad%' BEGIN {{}}; END"
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(refuse.format("SELECT RAISE(ABORT, 'not this one')"))
    return alias


def test_entries_that_are_taken_at_another_try_are_written(picky):
    alias = picky(times=2)
    assert written(CacheSink(alias=alias, key_attribute="id"), ROWS) == []
    assert all(get(row["id"], alias) for row in ROWS)


def test_only_what_failed_is_tried_again(picky):
    cache = open_cache(picky())
    refused = cache.set_many({row["id"]: 1 for row in ROWS}, None)
    assert refused == dict.fromkeys(BAD, "it was handed over 3 times, and is not there")
    assert cache._backend.calls == [[row["id"] for row in ROWS], BAD, BAD]


def test_entries_that_are_never_taken_are_rejected(picky):
    alias = picky()
    rejects = written(CacheSink(alias=alias, key_attribute="id", batch_size=4), ROWS)
    assert [reject.record["id"] for reject in rejects] == BAD
    assert rejects[0].error == "the cache refuses the key 'bad0': it was handed over 3 times, and is not there"
    assert [bool(get(row["id"], alias)) for row in ROWS] == [row["id"] in GOOD for row in ROWS]


def test_each_record_of_a_refused_key_is_rejected(picky):
    rows = [{"id": "bad", "n": 1}, {"id": "good", "n": 2}, {"id": "bad", "n": 3}]
    rejects = written(CacheSink(alias=picky(), key_attribute="id"), rows[:2], rows[2:])
    assert [reject.record["n"] for reject in rejects] == [1, 3]


def test_failures_that_a_backend_keeps_to_itself_are_found_by_reading_back(table):
    rejects = written(CacheSink(alias=table, key_attribute="id"), ROWS)
    assert [reject.record["id"] for reject in rejects] == BAD
    assert [bool(get(row["id"], table)) for row in ROWS] == [row["id"] in GOOD for row in ROWS]


def test_an_old_value_that_stayed_is_not_taken_for_the_new_one(tmp_path, project):
    store = Table(tmp_path)
    alias = store.new()
    sink = CacheSink(alias=alias, key_attribute="id")
    written(sink, [{"id": "a", "n": 1}])
    frozen = f"CREATE TRIGGER frozen BEFORE UPDATE ON {alias} BEGIN SELECT RAISE(ABORT, 'frozen'); END"
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(frozen)
    (reject,) = written(sink, [{"id": "a", "n": 2}, {"id": "b", "n": 1}])
    assert reject.record == {"id": "a", "n": 2}
    assert store.values(alias) == ['{"id":"a","n":1}', '{"id":"b","n":1}']


def test_what_is_gone_before_it_can_be_read_back_counts_as_taken(tmp_path, project):
    assert written(CacheSink(alias=Table(tmp_path).new(), key_attribute="id", expires_in=1), ROWS) == []


def test_what_a_table_throws_out_at_once_is_rejected_with_the_likely_reason(tmp_path, project):
    alias = Table(tmp_path).new(OPTIONS={"MAX_ENTRIES": 5})
    rejects = written(CacheSink(alias=alias, key_attribute="id"), [{"id": number} for number in range(40)])
    assert rejects
    assert rejects[0].error.endswith("is not there; its backend failed, or throws entries out at MAX_ENTRIES")


def test_fail_on_error_fails_the_run(picky):
    seen = []
    sink = CacheSink(alias=picky(), key_attribute="id", fail_on_error=True, on_error=seen.append)
    with pytest.raises(SinkError, match=r"the cache refuses the key 'bad0'.*fail_on_error is set"):
        written(sink, ROWS)
    assert [reject.record["id"] for reject in seen] == ["bad0"]


def test_bad_records_are_no_errors_of_the_cache(memory):
    sink = CacheSink(alias=memory.new(), key_attribute="id", fail_on_error=True)
    assert len(written(sink, [{"id": "a"}, {"id": None}])) == 1


def test_callbacks_hear_of_what_is_written_and_of_what_is_not(picky):
    good, bad = [], []
    sink = CacheSink(alias=picky(), key_attribute="id", batch_size=4, on_written=good.append, on_error=bad.append)
    rejects = written(sink, [*ROWS, {"id": None}])
    assert [key for keys in good for key in keys] == GOOD
    assert len(good) == 3
    assert sorted(bad, key=str) == sorted(rejects, key=str)


def test_callbacks_are_no_part_of_a_document():
    sink = CacheSink(key_attribute="id", on_written=print, on_error=print)
    assert sink.to_document() == {"type": "cache", "key_attribute": "id"}
    with pytest.raises(ConfigurationError, match="on_written"):
        CacheSink.build({"key_attribute": "id", "on_written": "builtins.print"})


@pytest.mark.memcached
class TestMemcached:
    def test_what_the_server_refuses_is_found_among_the_others(self, memcached, project):
        store = InMemcached(memcached.address)
        alias = store.new()
        rows = [{"id": row["id"], "text": "x" * (1_100_000 if row["id"] in BAD else 10)} for row in ROWS]
        rejects = written(CacheSink(alias=alias, key_attribute="id", max_value_size="2MB"), rows)
        assert sorted(reject.record["id"] for reject in rejects) == BAD
        assert "object too large for cache" in rejects[0].error
        assert len(store.values(alias)) == len(GOOD)

    @pytest.mark.parametrize("options", [{"ignore_exc": True}, {"default_noreply": True}])
    def test_a_client_that_swallows_errors_is_found_out(self, project, options):
        server = Memcached()
        server.start()
        alias = InMemcached(server.address).new(OPTIONS=options)
        cache = open_cache(alias)
        try:
            assert cache.set_many({"a": "1"}, None) == {}
            server.kill()
            with pytest.raises(SinkUnavailableError):
                cache.set_many({"a": "2", "b": "2"}, None)
        finally:
            cache.close()
            server.close()

    def test_a_value_that_is_refused_behind_a_client_that_swallows_errors_is_rejected(self, memcached, project):
        alias = InMemcached(memcached.address).new(OPTIONS={"ignore_exc": True})
        sink = CacheSink(alias=alias, key_attribute="id", max_value_size="2MB")
        rejects = written(sink, [{"id": "bad", "text": "x" * 1_100_000}])
        assert [reject.record["id"] for reject in rejects] == ["bad"]


def test_a_server_that_goes_away_is_unavailable(project):
    server = Redis()
    server.start()
    cache = open_cache(InRedis(server.url()).new())
    try:
        assert cache.set_many({"a": "1"}, None) == {}
        server.kill()
        with pytest.raises(SinkUnavailableError, match=r"the cache place\d+: ConnectionError"):
            cache.set_many({"a": "2"}, None)
        server.start()
        assert cache.set_many({"a": "3"}, None) == {}
    finally:
        cache.close()
        server.close()


def test_what_a_user_may_not_do_stops_the_run(redis, project):
    store = InRedis(redis.url())
    with redis_library.Redis.from_url(redis.url()) as client:
        client.acl_setuser("reader", enabled=True, nopass=True, keys=["*"], commands=["+get", "+set", "+del"])
    alias = store.new(LOCATION=store.url.replace("://", "://reader:any@"))
    with pytest.raises(SinkError, match=r"NoPermissionError") as caught:
        written(CacheSink(alias=alias, key_attribute="id"), ROWS)
    assert not isinstance(caught.value, SinkUnavailableError)


def test_a_full_memory_may_pass(project):
    server = Redis()
    server.start()
    cache = open_cache(InRedis(server.url()).new())
    try:
        with redis_library.Redis.from_url(server.url()) as client:
            client.config_set("maxmemory", "1")
        with pytest.raises(SinkUnavailableError, match="maxmemory"):
            cache.set_many({"a": "1"}, None)
    finally:
        cache.close()
        server.close()


class TestOpening:
    @pytest.mark.parametrize("store", [InRedis, pytest.param(InMemcached, marks=pytest.mark.memcached)])
    def test_a_server_that_is_not_there_is_unavailable(self, project, store):
        host = f"127.0.0.1:{free_port()}"
        alias = store(f"redis://{host}" if store is InRedis else host).new()
        with pytest.raises(SinkUnavailableError, match=f"the cache {alias}: Connection"):
            CacheSink(alias=alias, key_attribute="id").check()
        with pytest.raises(SinkUnavailableError, match=f"the cache {alias}: Connection"):
            written(CacheSink(alias=alias, key_attribute="id"), ROWS)

    def test_an_unknown_alias_names_near_ones(self, memory):
        from django.core.cache import caches

        caches.settings["sessions"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
        message = "alias: CACHES of the Django project has no 'session'; did you mean sessions?"
        with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")):
            CacheSink(alias="session", key_attribute="id").check()

    def test_a_cache_that_keeps_nothing_is_refused(self, memory):
        alias = memory.new(BACKEND="django.core.cache.backends.dummy.DummyCache")
        with pytest.raises(SinkError, match="is a DummyCache, which keeps nothing; give the alias another backend"):
            open_cache(alias)

    def test_a_cache_that_keeps_nothing_under_another_name_is_found_out(self, memory):
        sink = CacheSink(alias=memory.new(BACKEND=f"{__name__}.Forgetful"), key_attribute="id")
        with pytest.raises(SinkError, match=r"\(Forgetful\) takes entries and does not have them afterwards"):
            sink.check()
        with pytest.raises(SinkUnavailableError, match="takes nothing: 10 entries, and what was written to try it"):
            written(sink, ROWS)

    def test_a_table_that_is_not_there_is_named_with_the_remedy(self, tmp_path, project):
        alias = Table(tmp_path).new(LOCATION="no_such_table")
        with pytest.raises(
            SinkError, match=r"there is no table no_such_table; run: python manage\.py createcachetable"
        ):
            open_cache(alias)

    @pytest.mark.parametrize(
        ("backend", "reason"),
        [("django.core.cache.backends.memcached.PyLibMCCache", "pylibmc"), ("shop.NoCache", "shop.NoCache")],
    )
    def test_a_backend_that_cannot_be_made_is_named(self, memory, backend, reason):
        with pytest.raises(ConfigurationError, match=f"can't be opened: .*{reason}.*install what it needs"):
            open_cache(memory.new(BACKEND=backend))

    def test_a_folder_that_may_not_be_written_stops_the_run(self, tmp_path, project):
        from django_caches import Files

        (tmp_path / "file").touch()
        with pytest.raises(SinkError, match=r"can't be opened: NotADirectoryError|FileExistsError") as caught:
            open_cache(Files(tmp_path).new(LOCATION=str(tmp_path / "file" / "cache")))
        assert not isinstance(caught.value, SinkUnavailableError)


class TestChecking:
    def test_it_tells_what_was_found_and_leaves_nothing(self, store):
        alias = store.new()
        lines = CacheSink(alias=alias, key_attribute="id").check()
        assert lines[0].endswith("was written to, read and cleaned up again")
        assert store.values(alias) == []

    def test_it_tells_what_a_cache_throws_out_and_how_long_it_lasts(self, memory):
        lines = CacheSink(alias=memory.new(OPTIONS={}), key_attribute="id").check()
        assert "it throws entries out when it has 300 of them (MAX_ENTRIES in its OPTIONS)" in lines
        assert any("memory of this process alone" in line for line in lines)

    def test_it_tells_that_entries_are_read_back(self, tmp_path, project):
        lines = CacheSink(alias=Table(tmp_path).new(), key_attribute="id").check()
        assert "entries are read back, since its backend does not tell what it failed to write" in lines

    def test_a_password_of_the_settings_is_not_shown(self, project):
        url = f"redis://:s3cr3t@127.0.0.1:{free_port()}"
        sink = CacheSink(alias=InRedis(url).new(), key_attribute="id")
        with pytest.raises(SinkUnavailableError) as caught:
            sink.check()
        assert "s3cr3t" not in f"{caught.value!r} {caught.value} {sink!r} {sink.describe()}"


def test_writers_leave_no_connections_behind(redis, project):
    import gc
    from pathlib import Path

    sink = CacheSink(alias=InRedis(redis.url()).new(), key_attribute="id")
    written(sink, ROWS)
    gc.collect()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        written(sink, ROWS)
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_memory_is_a_matter_of_the_batch_size(project):
    """Pieces are handed over by rows and by bytes, whatever the batches are."""
    from active_data_flow.connectors.cache.writer import MAX_BYTES

    pieces = []
    alias = LocalMemory().new()
    sink = CacheSink(alias=alias, key_attribute="id", batch_size=1000, on_written=lambda keys: pieces.append(len(keys)))
    written(sink, [{"id": number} for number in range(2500)], [{"id": number} for number in range(2500, 2600)])
    assert pieces == [1000, 1000, 600]
    pieces.clear()
    large = "x" * (MAX_BYTES // 4)
    written(sink, *([{"id": number, "text": large}] for number in range(10)))
    assert max(pieces) <= 5
