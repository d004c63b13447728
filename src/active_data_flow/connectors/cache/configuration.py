"""Options of the cache sink."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from active_data_flow.connectors.cache.formats import JSON, CacheFormat, find_format
from active_data_flow.core.batch import Reject
from active_data_flow.core.policies import Bytes, parse_seconds
from active_data_flow.core.sink import Sink

LONGEST = 10 * 365 * 86400
"""Seconds that an entry may be asked to live; longer is for ever, which has a word of its own."""

TimeToLive = Annotated[float, BeforeValidator(parse_seconds), Field(gt=0, le=LONGEST), AfterValidator(math.ceil)]
FormatOption = Annotated[
    CacheFormat | str,
    PlainValidator(find_format),
    PlainSerializer(lambda chosen: chosen.name, return_type=str),
    WithJsonSchema({"type": "string", "default": "json"}),
]


class CacheSinkConfiguration(Sink):
    """Options of `CacheSink`."""

    alias: str = Field(default="default", min_length=1)
    """Which of the project's ``CACHES``."""
    key_attribute: str = Field(min_length=1)
    """Field that the key is made of; one inside a struct by its path, as ``user.id``."""
    prefix: str = ""
    """What stands before it in the key, as ``user:``. Django puts the cache's own prefix and version before that."""
    suffix: str = ""
    """What stands behind it."""
    value_attribute: str | None = Field(default=None, min_length=1)
    """Field whose value is written; default: the whole record."""
    format: FormatOption = JSON
    """``json``, or the name of a format that the application has registered with `register_format`; in Python code also
    a `CacheFormat`, as `PICKLE`."""
    compress_over: Bytes | None = None
    """Compress values of more than this size by zlib, where that makes them smaller; `read_value` unpacks them."""
    max_value_size: Bytes | None = None
    """Reject records whose value is larger; default: 1 MiB on Memcached (whose ``-I`` sets it), else any size."""
    expires_in: Literal["never"] | TimeToLive | None = None
    """How long entries live: seconds (parts of one are rounded up), or a text as ``5m``; ``never``: until they are
    deleted or evicted; default: the alias's ``TIMEOUT``."""
    expires_in_attribute: str | None = Field(default=None, min_length=1)
    """Field that says for each record how many seconds (or which duration) it lives; where it is null, `expires_in`
    holds."""
    batch_size: int = Field(default=1000, ge=1, le=100_000)
    """Entries that are handed to the cache at once; fewer where they come to 8 MB."""
    fail_on_error: bool = False
    """Fail the run where the cache refuses an entry, also where the flow sets bad records aside."""
    on_written: SkipJsonSchema[Callable[[Sequence[str]], Any] | None] = Field(default=None, exclude=True)
    """Of Python code alone: called with the keys of each piece that the cache has taken."""
    on_error: SkipJsonSchema[Callable[[Reject], Any] | None] = Field(default=None, exclude=True)
    """Of Python code alone: called with each record that can't be written, before it is rejected."""


__all__ = ["LONGEST", "CacheSinkConfiguration", "TimeToLive"]
