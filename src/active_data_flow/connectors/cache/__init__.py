"""Entries of a Django project's caches: any alias of ``CACHES``, by Django's own cache framework.

`CacheSink` promises:

- **effectively-once**: a key that is written again after a crash holds the same value; keys are counted as written
  only when the cache has said that it has them, or was read back where its backend keeps failures to itself;
- values are JSON (made without a Python object per value), of a format of the application's own, or, where Python code
  says so, pickled; `read_value` gives them back, compressed ones too;
- a record that has no key, no value that can be written, or one that is too large for the cache is set aside by itself;
- records go to the cache in pieces of `CacheSink.batch_size`; memory does not grow with the data.

What a cache does later - it evicts, expires, is cleared - is up to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from active_data_flow.connectors.cache.formats import PICKLE, CacheFormat, read_value, register_format
    from active_data_flow.connectors.cache.sink import CacheSink

_FORMATS = dict.fromkeys(("PICKLE", "CacheFormat", "read_value", "register_format"), "formats")

__getattr__ = lazy_names(__name__, {"CacheSink": "sink", **_FORMATS})

__all__ = ["PICKLE", "CacheFormat", "CacheSink", "read_value", "register_format"]
