"""What values look like in the cache: JSON, a format of the application's own, or pickled; and the way back."""

from __future__ import annotations

import json
import pickle
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from active_data_flow.core.near_names import near_names

_MARK = b"\0adf:zlib\0"
"""What a compressed value begins with; no JSON does, and what a format makes hardly."""

_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class CacheFormat:
    """A way to write values into a cache and to read them.

    Attributes:
        name: Its name in documents.
        dump: Makes a text, bytes, or whatever the cache's backend can keep, of a record (a dict), or of the value of
            the sink's `value_attribute`. What it raises makes a reject of the record.
        load: The way back, for `read_value`.
    """

    name: str
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


JSON = CacheFormat("json", _json, json.loads)
"""A JSON text; the sink makes it of columns, without `dump`."""
PICKLE = CacheFormat("pickle", _as_it_is, _as_it_is)
"""Python's own values, which the cache's backend pickles: ``cache.get`` gives a dict with Decimals and dates.

For Python code alone: whoever can write to the cache can make a reader of pickles run what they like.
"""

_known: dict[str, CacheFormat] = {JSON.name: JSON}


def register_format(cache_format: CacheFormat) -> CacheFormat:
    """Register a format, so that documents may name it: ``format: msgpack``.

    Raises:
        ValueError: The name is one of ours.

    Example:
        >>> register_format(CacheFormat("upper", lambda record: record["name"].upper(), str)).name
        'upper'
    """
    if cache_format.name in (JSON.name, PICKLE.name):
        message = f"{cache_format.name} is a format of the cache sink; give yours another name"
        raise ValueError(message)
    with _lock:
        _known[cache_format.name] = cache_format
    return cache_format


def find_format(value: Any) -> CacheFormat:
    """The format that is meant by a name, or by itself.

    Raises:
        ValueError: There is none of this name, or only Python code may ask for it.
    """
    if isinstance(value, CacheFormat):
        return value
    if value == PICKLE.name:
        raise ValueError(
            "pickle runs code of whoever can write to the cache; it is chosen in Python code alone, "
            "as CacheSink(format=PICKLE), never by name in a document"
        )
    if not isinstance(value, str) or value not in _known:
        raise ValueError(f"is json or a format that the application has registered{near_names(str(value), _known)}")
    return _known[value]


def compress(value: Any) -> bytes:
    """A value in its compressed form."""
    data = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else pickle.dumps(value, -1)
    return _MARK + zlib.compress(data)


def size_of(value: Any) -> int:
    """Bytes that a value takes in the cache."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(value) if isinstance(value, bytes) else len(pickle.dumps(value, -1))


def read_value(stored: Any, cache_format: CacheFormat | str = JSON) -> Any:
    """What a `CacheSink` has written, from what ``cache.get`` gives; compressed values are unpacked.

    Args:
        stored: What is in the cache; None (nothing is) stays None.
        cache_format: The sink's `format`. Of ``json`` decimals come back as floats, and binary values as base64.

    Raises:
        ValueError: It is not of this format, or no format has this name.

    Example:
        >>> read_value('{"id":1,"name":"Ada"}')
        {'id': 1, 'name': 'Ada'}
    """
    chosen = find_format(cache_format)
    if stored is None:
        return None
    if isinstance(stored, bytes) and stored.startswith(_MARK):
        data = zlib.decompress(stored[len(_MARK) :])
        return pickle.loads(data) if chosen is PICKLE else chosen.load(data)  # noqa: S301  # code has chosen it
    return chosen.load(stored)


__all__ = ["JSON", "PICKLE", "CacheFormat", "compress", "find_format", "read_value", "register_format", "size_of"]
