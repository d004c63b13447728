"""Which keys entries get, and which records get none."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.cache import CacheSink, read_value
from active_data_flow.core.errors import SchemaError
from cache_writing import written
from django_caches import LocalMemory, caches_of, get


def test_a_key_is_made_of_a_nested_field_with_prefix_and_suffix(store):
    alias = store.new()
    sink = CacheSink(alias=alias, key_attribute="user.id", prefix="user:", suffix=":v2")
    assert written(sink, [{"user": {"id": 1, "name": "Ada"}}, {"user": {"id": 2, "name": "Bo"}}]) == []
    assert read_value(get("user:1:v2", alias)) == {"user": {"id": 1, "name": "Ada"}}
    assert len(store.values(alias)) == 2


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("blåbær", "blåbær"),
        (-(2**63), "-9223372036854775808"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (dt.date(2013, 1, 31), "2013-01-31"),
        (b"\x00\xff", "AP8="),
    ],
)
def test_values_become_keys_as_text(memory, value, key):
    alias = memory.new()
    written(CacheSink(alias=alias, key_attribute="id"), [{"id": value}])
    assert get(key, alias) is not None


def test_a_uuid_is_its_text(memory):
    alias, key = memory.new(), uuid.UUID(int=7)
    data = pa.record_batch({"id": pa.array([key.bytes], pa.uuid())})
    written(CacheSink(alias=alias, key_attribute="id"), data)
    assert get(str(key), alias) == f'{{"id":"{key}"}}'


def test_a_column_whose_name_has_dots_comes_first(memory):
    alias = memory.new()
    sink = CacheSink(alias=alias, key_attribute="user.id")
    written(sink, pa.record_batch({"user.id": ["flat"], "user": [{"id": "nested"}]}))
    assert get("flat", alias) is not None
    assert get("nested", alias) is None


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (None, "has no user.id, of which its key in the cache is made"),
        ({"id": None}, "has no user.id, of which its key in the cache is made"),
        ({"id": ""}, "user.id is empty, of which its key in the cache is made"),
    ],
)
def test_a_record_without_a_key_is_rejected_alone(memory, user, reason):
    alias = memory.new()
    (reject,) = written(CacheSink(alias=alias, key_attribute="user.id"), [{"user": user}, {"user": {"id": "a"}}])
    assert (reject.record, reject.error, reject.field, reject.stage) == ({"user": user}, reason, "user.id", "write")
    assert (reject.split_id, reject.position) == ("split", 7)
    assert len(memory.values(alias)) == 1


def test_an_unknown_field_rejects_each_record_and_names_near_ones(memory):
    rejects = written(CacheSink(alias=memory.new(), key_attribute="user.ide"), [{"user": {"id": 1}}] * 2)
    assert [reject.error for reject in rejects] == ["there is no field 'user.ide'; did you mean user.id or user?"] * 2


def test_a_struct_is_no_key(memory):
    with pytest.raises(SchemaError, match=r"key_attribute user is a struct<id: int64>; name a field inside"):
        written(CacheSink(alias=memory.new(), key_attribute="user"), [{"user": {"id": 1}}])


def test_the_last_record_of_a_key_wins_in_a_batch_and_across_batches(store):
    alias = store.new()
    sink = CacheSink(alias=alias, key_attribute="id", batch_size=3)
    rows = [{"id": key, "n": n} for n, key in enumerate("abacabbac")]
    assert written(sink, rows[:5], rows[5:]) == []
    assert sorted(store.values(alias)) == ['{"id":"a","n":7}', '{"id":"b","n":6}', '{"id":"c","n":8}']


def test_the_last_one_that_can_be_written_wins(memory):
    alias = memory.new()
    sink = CacheSink(alias=alias, key_attribute="id", expires_in_attribute="ttl")
    (reject,) = written(sink, [{"id": "a", "ttl": 60}, {"id": "a", "ttl": -1}])
    assert reject.record == {"id": "a", "ttl": -1}
    assert memory.values(alias) == ['{"id":"a","ttl":60}']


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x7f", min_codepoint=33), max_size=8)))
@settings(max_examples=30)
def test_each_text_is_found_under_its_key(keys):
    with caches_of():
        store = LocalMemory()
        alias = store.new()
        rejects = written(
            CacheSink(alias=alias, key_attribute="id", prefix="p:"),
            pa.record_batch({"id": pa.array(keys, pa.string())}),
        )
        assert len(rejects) == keys.count("")
        for key in filter(None, keys):
            assert read_value(get(f"p:{key}", alias)) == {"id": key}
        assert len(store.values(alias)) == len(set(keys) - {""})


@pytest.mark.memcached
class TestMemcached:
    @pytest.fixture
    def store(self, memcached, project):
        from django_caches import InMemcached

        return InMemcached(memcached.address)

    def test_keys_that_it_does_not_take_are_rejected(self, store):
        alias = store.new(KEY_PREFIX="shop")
        room = 250 - len("shop:1:")
        keys = ["a", "two words", "line\nbreak", "rubout\x7f", "x" * room, "x" * (room + 1), "ø" * (room // 2 + 1)]
        rejects = written(CacheSink(alias=alias, key_attribute="id"), [{"id": key} for key in keys])
        assert [reject.record["id"] for reject in rejects] == [keys[1], keys[2], keys[3], keys[5], keys[6]]
        assert "has a space or a control character, which Memcached does not take" in rejects[0].error
        assert "has 251 bytes; Memcached takes 250" in rejects[3].error
        assert {reject.field for reject in rejects} == {"id"}
        assert get("a", alias) is not None
        assert get("x" * room, alias) is not None

    def test_keys_are_measured_as_the_projects_own_function_makes_them(self, store):
        alias = store.new(KEY_FUNCTION=lambda key, prefix, version: f"{prefix}|{version}|{key[::-1]}")
        (reject,) = written(CacheSink(alias=alias, key_attribute="id"), [{"id": "ab"}, {"id": "c" * 250}])
        assert "Memcached takes 250" in reject.error
        assert get("ab", alias) is not None
