"""What a flow does about errors, schema drift, checkpoints and retries: small configurations, used everywhere."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from active_data_flow.core.configuration import Configuration

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


def parse_seconds(value: Any) -> Any:
    """Seconds of ``"30s"``, ``"5m"``, ``"1h"`` or a number."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", value.lower())
    unit = match.group(2) or "s" if match else ""
    if not match or unit not in _UNITS:
        raise ValueError('is a time, as "30s", "5m" or "1h"')
    return float(match.group(1)) * _UNITS[unit]


def parse_bytes(value: Any) -> Any:
    """Bytes of ``"64MB"``, ``"1GiB"`` or a number."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", value.lower())
    if not match or match.group(2) not in _SIZES:
        raise ValueError('is a size, as "64MB" or "1GiB"')
    return int(float(match.group(1)) * _SIZES[match.group(2)])


Seconds = Annotated[float, BeforeValidator(parse_seconds), Field(ge=0)]
"""A length of time: a number of seconds, or a text as ``"30s"``, ``"5m"``, ``"1h"``."""

Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0)]
"""A size: a number of bytes, or a text as ``"64MB"``, ``"1GiB"``."""


class ErrorPolicy(Configuration):
    """What to do with records that can't be used."""

    reject: bool = False
    """Set bad records aside and go on; false: the first one fails the run."""
    max_rejects: int | None = Field(default=None, ge=0)
    """Fail the run when more than this many records were rejected in it."""
    max_reject_share: float | None = Field(default=None, ge=0, le=1)
    """Fail the run when more than this share of the records read was rejected (looked at from 1,000 records on)."""


class Drift(Enum):
    """What to do when data and known schema differ."""

    EVOLVE = "evolve"
    """Change the place to fit the data: add the table, add the column, widen the type."""
    FREEZE = "freeze"
    """The schema stays; rows that don't fit it are rejected."""
    DISCARD = "discard"
    """The schema stays; rows are kept without the values that don't fit."""
    FAIL = "fail"
    """The run stops."""


DriftOption = Annotated[Drift, PlainSerializer(lambda drift: drift.value, return_type=str)]


class SchemaContract(Configuration):
    """What to do about schema drift, level by level."""

    table: DriftOption = Drift.EVOLVE
    """The table or file to write to does not exist."""
    column: DriftOption = Drift.EVOLVE
    """The data has a column that the place doesn't have."""
    type: DriftOption = Drift.FREEZE
    """A value doesn't fit the type of its column."""


class CheckpointPolicy(Configuration):
    """When a run commits what it has done so far."""

    every: Seconds = 10.0
    """Commit when this much time has passed since the last commit."""
    bytes: Bytes = 256 * 2**20
    """Commit when this much data has been written since the last commit."""


class RetryPolicy(Configuration):
    """How often, and how patiently, a run repeats what failed for a reason that may pass."""

    attempts: int = Field(default=6, ge=1)
    """Attempts without progress before the run fails; 1: no retry."""
    backoff: Seconds = 0.5
    """Pause before the first retry; doubles with each further one, with jitter."""
    max_backoff: Seconds = 30.0
    """The longest pause."""


__all__ = [
    "Bytes",
    "CheckpointPolicy",
    "Drift",
    "ErrorPolicy",
    "RetryPolicy",
    "SchemaContract",
    "Seconds",
    "parse_bytes",
    "parse_seconds",
]
