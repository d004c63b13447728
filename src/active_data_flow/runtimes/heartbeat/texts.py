"""Texts as every database can hold them, and as they may be shown."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping
from typing import Any, cast

from active_data_flow.core.configuration import redact_url

_LONGEST = 100_000


def storable(text: str) -> str:
    """A text without what PostgreSQL refuses: NUL, and halves of surrogate pairs; JSON texts keep their meaning."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")


def storable_value(value: Any) -> Any:
    """A JSON value, its texts made storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return {storable(str(key)): storable_value(inner) for key, inner in pairs.items()}
    if isinstance(value, list | tuple):
        return [storable_value(inner) for inner in cast("list[Any]", value)]
    return value if isinstance(value, int | float | bool | None) else storable(str(value))


def shown(error: BaseException) -> str:
    """An error's message, without passwords."""
    return storable(redact_url(str(error)))[:_LONGEST]


def shown_traceback(error: BaseException) -> str:
    """An error's traceback, without passwords; of a very long one its end."""
    return storable(redact_url("".join(traceback.format_exception(error))))[-_LONGEST:]


def digest(text: str) -> str:
    """SHA-256 of a text of any length, by which a database finds it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


__all__ = ["digest", "shown", "shown_traceback", "storable", "storable_value"]
