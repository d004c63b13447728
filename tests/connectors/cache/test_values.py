"""What stands in the cache, and how it is read back."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.cache import PICKLE, CacheFormat, CacheSink, read_value, register_format
from active_data_flow.connectors.cache.formats import compress
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.json_text import json_rows
from active_data_flow.core.registry import build
from cache_writing import written
from django_caches import get

RECORD = {
    "id": 1,
    "price": Decimal("9.90"),
    "day": dt.date(2013, 1, 31),
    "at": dt.datetime(2013, 1, 31, 5, 15, tzinfo=dt.UTC),
    "image": b"\x00\xff",
    "tags": ["a", None],
    "by": {"name": "Å\n"},
    "none": None,
}


def shout(record):
    if record["id"] == 13:
        raise ValueError("unlucky")
    return str(record["id"]) + "!"


SHOUTED = register_format(CacheFormat("shouted", shout, lambda text: {"id": int(text[:-1])}))


def test_json_is_what_the_file_sink_writes(store):
    alias = store.new()
    data = pa.RecordBatch.from_pylist([RECORD])
    assert written(CacheSink(alias=alias, key_attribute="id"), data) == []
    assert get("1", alias) == b"".join(json_rows(data, "", "")).decode()
    assert json.loads(get("1", alias), parse_float=Decimal) == {
        **RECORD,
        "day": "2013-01-31",
        "at": "2013-01-31T05:15:00.000000Z",
        "image": "AP8=",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [("price", "9.90"), ("by", '{"name":"Å\\n"}'), ("tags", '["a",null]'), ("none", "null"), ("by.name", '"Å\\n"')],
)
def test_the_value_may_be_one_field(memory, name, text):
    alias = memory.new()
    written(CacheSink(alias=alias, key_attribute="id", value_attribute=name), [RECORD])
    assert get("1", alias) == text


def test_a_value_that_is_not_there_rejects_the_record(memory):
    (reject,) = written(CacheSink(alias=memory.new(), key_attribute="id", value_attribute="prize"), [RECORD])
    assert (reject.error, reject.field) == ("there is no field 'prize'; did you mean price?", "prize")


@given(
    st.lists(
        st.fixed_dictionaries(
            {"text": st.one_of(st.none(), st.text(st.characters(codec="utf-8"))), "n": st.integers(-9, 9)}
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 60),
)
@settings(max_examples=30)
def test_what_is_read_back_is_what_was_written_however_much_is_compressed(rows, over):
    from django_caches import LocalMemory, caches_of

    with caches_of():
        alias = LocalMemory().new()
        records = [{"id": f"k{number}", **row} for number, row in enumerate(rows)]
        schema = pa.schema({"id": pa.string(), "text": pa.string(), "n": pa.int64()})
        sink = CacheSink(alias=alias, key_attribute="id", compress_over=over)
        assert written(sink, pa.RecordBatch.from_pylist(records, schema)) == []
        assert [read_value(get(record["id"], alias)) for record in records] == records


def test_only_large_values_that_shrink_are_compressed(store):
    alias = store.new()
    noise = "".join(map(chr, range(48, 123)))
    rows = [{"id": "small", "text": "x" * 40}, {"id": "large", "text": "x" * 4000}, {"id": "noise", "text": noise}]
    written(CacheSink(alias=alias, key_attribute="id", compress_over=100), rows)
    assert isinstance(get("small", alias), str)
    assert isinstance(get("noise", alias), str)
    assert isinstance(get("large", alias), bytes)
    assert len(get("large", alias)) < 100
    assert read_value(get("large", alias)) == rows[1]


def test_a_format_of_the_application(memory):
    alias = memory.new()
    sink = build("sink", {"type": "cache", "alias": alias, "key_attribute": "id", "format": "shouted"})
    assert sink == CacheSink(alias=alias, key_attribute="id", format=SHOUTED)
    assert sink.to_options()["format"] == "shouted"
    (reject,) = written(sink, [{"id": 1}, {"id": 13}])
    assert get("1", alias) == "1!"
    assert read_value(get("1", alias), "shouted") == {"id": 1}
    assert (reject.record, reject.error_type) == ({"id": 13}, "ValueError")
    assert reject.error == "the format shouted can't write it: ValueError: unlucky"


def test_a_format_gets_the_value_of_the_field_and_may_be_compressed(memory):
    alias = memory.new()
    plain = CacheFormat("plain", bytes.hex, bytes.fromhex)
    sink = CacheSink(alias=alias, key_attribute="id", value_attribute="image", format=plain, compress_over=20)
    written(sink, [{"id": "a", "image": b"\x01"}, {"id": "b", "image": b"\x01" * 99}])
    assert get("a", alias) == "01"
    assert isinstance(get("b", alias), bytes)
    back = CacheFormat("plain", bytes.hex, lambda text: bytes.fromhex(text if isinstance(text, str) else text.decode()))
    assert read_value(get("b", alias), back) == b"\x01" * 99


@pytest.mark.parametrize("over", [None, "100B"])
def test_python_code_may_choose_pickle(store, over):
    alias = store.new()
    record = RECORD | {"long": "x" * 500}
    sink = CacheSink(alias=alias, key_attribute="id", format=PICKLE, compress_over=over)
    assert written(sink, [record]) == []
    assert read_value(get("1", alias), PICKLE) == record
    if over is None:
        assert get("1", alias) == record


def test_a_document_may_not_choose_pickle():
    document = {"type": "cache", "key_attribute": "id", "format": "pickle"}
    with pytest.raises(ConfigurationError, match="format: pickle runs code of whoever can write to the cache"):
        build("sink", document)
    stored = CacheSink(key_attribute="id", format=PICKLE).to_document()
    assert stored == document
    with pytest.raises(ConfigurationError, match="chosen in Python code alone"):
        build("sink", stored)
    with pytest.raises(ValueError, match="chosen in Python code alone"):
        read_value(b"", "pickle")


def test_an_unknown_format_names_near_ones():
    with pytest.raises(ConfigurationError, match=r"format: is json or a format .* did you mean shouted\?"):
        CacheSink(key_attribute="id", format="shoted")


@pytest.mark.parametrize("name", ["json", "pickle"])
def test_our_formats_keep_their_names(name):
    with pytest.raises(ValueError, match="give yours another name"):
        register_format(CacheFormat(name, str, str))


def test_a_reader_of_json_never_unpickles():
    import pickle

    with pytest.raises(ValueError, match="utf-8"):
        read_value(compress(pickle.dumps({"a": 1})))


def test_nothing_in_the_cache_is_none():
    assert read_value(None) is None


def test_a_compressed_value_is_a_mark_and_a_zlib_stream():
    assert zlib.decompress(compress('{"å":1}').removeprefix(b"\0adf:zlib\0")).decode() == '{"å":1}'


@pytest.mark.memcached
def test_values_that_memcached_does_not_take_are_rejected(memcached, project):
    from django_caches import InMemcached

    store = InMemcached(memcached.address)
    alias = store.new()
    texts = {"fits": "x" * 1_048_000, "large": "x" * 1_100_000}
    rows = [{"id": key, "text": text} for key, text in texts.items()]
    (reject,) = written(CacheSink(alias=alias, key_attribute="id"), rows)
    assert reject.record["id"] == "large"
    assert reject.error.startswith("the value has 1,100,024 bytes; Memcached takes 1,048,064: write less of the record")
    assert read_value(get("fits", alias)) == rows[0]
    assert written(CacheSink(alias=alias, key_attribute="id", compress_over="1KB"), rows) == []
    assert read_value(get("large", alias)) == rows[1]


def test_the_largest_value_may_be_set(memory):
    sink = CacheSink(alias=memory.new(), key_attribute="id", max_value_size="100B")
    (reject,) = written(sink, [{"id": "a"}, {"id": "b" * 100}])
    assert reject.error.startswith("the value has 109 bytes; max_value_size is 100: ")
