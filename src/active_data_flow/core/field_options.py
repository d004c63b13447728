"""What is said of a field beside its type: kept in the metadata of its Arrow field, so that a schema is one thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

_ALIAS = b"adf.alias"
_DEFAULT = b"adf.default"
_DESCRIPTION = b"description"


def with_options(field: pa.Field, *, alias: str | None, default: Any, description: str) -> pa.Field:
    """The field with what is said of it; `default` is ``...`` where there is none."""
    options: dict[bytes, bytes] = {}
    if alias:
        options[_ALIAS] = alias.encode()
    if default is not ...:
        options[_DEFAULT] = json.dumps(default, default=_encode).encode()
    if description:
        options[_DESCRIPTION] = description.encode()
    return field.with_metadata(options) if options else field


def alias_of(field: pa.Field) -> str | None:
    """Name of the field in the data, where it is another one."""
    return (field.metadata or {}).get(_ALIAS, b"").decode() or None


def has_default(field: pa.Field) -> bool:
    """Whether there is a value for rows that have none."""
    return _DEFAULT in (field.metadata or {})


def default_of(field: pa.Field) -> Any:
    """The value for rows that have none, as JSON holds it: dates, times and decimals are texts that cast to them."""
    return json.loads(field.metadata[_DEFAULT])


def _encode(value: Any) -> Any:
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return dict(value)
    message = f"a default is a plain value (given: {value!r})"
    raise TypeError(message)


__all__ = ["alias_of", "default_of", "has_default", "with_options"]
