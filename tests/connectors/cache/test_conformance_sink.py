"""The cache sink is held to its promises: each kind of cache that Django brings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from active_data_flow.connectors.cache import CacheSink
from active_data_flow.core.sink import Sink, Writer
from active_data_flow.testing import Refusal, SinkHarness, SinkSuite, read_as
from django_caches import Files, InMemcached, InRedis, LocalMemory, Store, Table, caches_of
from services import Memcached, Redis


class Entries(SinkHarness):
    """A cache for each place."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.store, self.options = store, options

    def sink(self, schema: pa.Schema, **options: Any) -> CacheSink:
        return CacheSink(alias=self.store.new(), **{"key_attribute": "id", **self.options, **options})

    def rows(self, sink: Sink, schema: pa.Schema) -> Sequence[dict[str, Any]]:
        assert isinstance(sink, CacheSink)
        return read_as([json.loads(text, parse_float=Decimal) for text in self.store.values(sink.alias)], schema)

    def refusal(self) -> Refusal:
        rows = pa.record_batch({"id": range(6), "user": [{"key": key} for key in ("a", None, "c", "", "e", None)]})
        return Refusal(self.sink(rows.schema, key_attribute="user.key"), rows, dict.fromkeys((1, 3, 5), "user.key"))

    def kill(self, writer: Writer) -> None:
        """The connection ends with the process."""
        writer.close()


class OfCaches(SinkSuite):
    capabilities: ClassVar = frozenset(
        {"idempotent", "append", "upsert", "many writers", "nested", "evolves schema", "rejects rows"}
    )
    examples: ClassVar = 5

    @pytest.fixture(autouse=True)
    def _project(self) -> Iterator[None]:
        with caches_of():
            yield


class TestLocalMemory(OfCaches):
    @pytest.fixture
    def harness(self) -> SinkHarness:
        return Entries(LocalMemory())


class TestRedis(OfCaches):
    @pytest.fixture
    def harness(self, redis: Redis) -> SinkHarness:
        return Entries(InRedis(redis.url()), batch_size=100)


@pytest.mark.slow
class TestFiles(OfCaches):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Entries(Files(tmp_path))


class TestTable(OfCaches):
    examples: ClassVar = 3

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Entries(Table(tmp_path))


@pytest.fixture(scope="module")
def large_memcached() -> Iterator[Memcached]:
    """A server that takes larger values than Memcached does by default."""
    server = Memcached("8m")
    server.start()
    yield server
    server.close()


@pytest.mark.memcached
@pytest.mark.slow
class TestMemcached(OfCaches):
    @pytest.fixture
    def harness(self, large_memcached: Memcached) -> SinkHarness:
        return Entries(InMemcached(large_memcached.address), max_value_size="7MB")
