"""The sink: entries of one of the project's caches."""

from __future__ import annotations

from typing import ClassVar

from active_data_flow.connectors.cache.configuration import CacheSinkConfiguration
from active_data_flow.core.sink import Delivery, Writer, WriterContext


class CacheSink(CacheSinkConfiguration):
    """An entry of a Django cache for each record, under a key that is made of one of its fields.

    Records with the same key follow each other: the last one stays. Values are compact JSON texts, as the file sink's
    JSON lines are (decimals as numbers, dates and times in ISO form, binary values as base64); `read_value` gives a
    dict back.

    A cache is not a table: local memory, files and the database throw entries out when they have ``MAX_ENTRIES``
    (300 where the settings say nothing), Redis and Memcached when their memory is full.

    Example:
        >>> CacheSink(key_attribute="user.id", prefix="user:", expires_in="5m", compress_over="1KB").to_document()
        {'type': 'cache', 'key_attribute': 'user.id', 'prefix': 'user:', 'compress_over': 1000, 'expires_in': 300}
    """

    type: ClassVar[str] = "cache"
    label: ClassVar[str] = "cache sink"
    delivery: ClassVar[Delivery] = Delivery.IDEMPOTENT
    capabilities: ClassVar[frozenset[str]] = frozenset({"idempotent", "upsert", "nested", "rejects rows"})

    @property
    def delivery_here(self) -> tuple[Delivery, str]:
        """Idempotent: what is written again is written under the same keys."""
        return self.delivery, "a key that is written again holds the same value"

    def describe(self) -> str:
        """The keys and the alias."""
        return f"entries {self.prefix}{{{self.key_attribute}}}{self.suffix} in the cache {self.alias}"

    def open(self, context: WriterContext) -> Writer:
        """A writer with a connection of its own.

        Raises:
            ConfigurationError: There is no Django project, no such alias, or no such backend.
            SinkUnavailableError: The database of the cache can't be reached at the moment.
            SinkError: The cache's table or folder is not there, or it keeps nothing.
        """
        from active_data_flow.connectors.cache.client import open_cache
        from active_data_flow.connectors.cache.entries import EntryMaker
        from active_data_flow.connectors.cache.writer import CacheWriter

        cache = open_cache(self.alias)
        maker = EntryMaker(self, cache.limits, cache.time_to_live(self.expires_in))
        return CacheWriter(self, cache, maker, context)

    def check(self) -> list[str]:
        """Write an entry, read it, and delete it again.

        Raises:
            ActiveDataFlowError: As `open`, or the cache can't be reached, or does not have the entry.
        """
        from active_data_flow.connectors.cache.client import open_cache

        cache = open_cache(self.alias)
        try:
            cache.time_to_live(self.expires_in)
            cache.try_out()
            return cache.notes()
        finally:
            cache.close()


__all__ = ["CacheSink"]
