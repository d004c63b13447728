"""Splits of the SQL source, and values of keys in positions."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, cast

from active_data_flow.core.batch import Position
from active_data_flow.source_support.split import SplitSerializer


@dataclass(frozen=True, slots=True)
class SqlSplit:
    """A part of a table or query.

    Attributes:
        source: Table or ``query``.
        part: A range of keys, the rows whose key is NULL, all rows at once, or all rows behind a cursor.
        order: The columns that it is read in the order of: key or cursor, then tiebreakers.
        generation: Counts the complete reads; positions of another generation are no positions of this one.
        index: Number of the range, from 0.
        bounds: Keys at which a range ends and the next begins, in the form that positions have. Each split holds all
            of them, so that a resumed read has the same ranges whichever of them had been committed.
    """

    source: str
    part: Literal["range", "nulls", "all", "cursor"]
    order: tuple[str, ...] = ()
    generation: int = 0
    index: int = 0
    bounds: tuple[Any, ...] = ()

    @property
    def split_id(self) -> str:
        """The same in every read, so that what is remembered does not grow from read to read."""
        if self.part == "all":
            return self.source
        key = self.order[0]
        return {
            "range": f"{self.source}[{key}:{self.index}]",
            "nulls": f"{self.source}[{key}:null]",
            "cursor": f"{self.source}@{key}",
        }[self.part]

    @property
    def low(self) -> Any:
        """First key of the range; None where it is open."""
        return decode(self.bounds[self.index - 1]) if self.index else None

    @property
    def high(self) -> Any:
        """First key behind the range; None where it is open."""
        return decode(self.bounds[self.index]) if self.index < len(self.bounds) else None

    def position(self, after: Sequence[Any] | None, nulls_after: Sequence[Any] | None = None) -> Position:
        """The position behind the row with those values of the order's columns, and behind that row without cursor."""
        if self.part == "cursor":
            return {"after": _encoded(after), "nulls_after": _encoded(nulls_after)}
        return {"generation": self.generation, "after": _encoded(after)}

    def resume(self, position: Position) -> tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]:
        """The values that `position` was made of; None where there is nothing to go on from."""
        if position is None or (self.part != "cursor" and position["generation"] != self.generation):
            return None, None
        return _decoded(position.get("after")), _decoded(position.get("nulls_after"))


@dataclass(slots=True)
class Place:
    """How far a split is read: values of the order's columns, of rows with and without key or cursor."""

    after: Sequence[Any] | None
    nulls_after: Sequence[Any] | None


def _encoded(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else [encode(value) for value in values]


def _decoded(values: Sequence[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(decode(value) for value in values)


def encode(value: Any) -> Any:
    """A value of a key, JSON-safe: numbers, texts and truth as they are, others with the name of their type."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, float | Decimal):
        return {type(value).__name__.lower(): str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, dt.timedelta):
        return {"microseconds": value // dt.timedelta(microseconds=1)}
    message = f"a value of type {type(value).__name__} can't be a key"
    raise TypeError(message)


def decode(value: Any) -> Any:
    """The value that `encode` was given."""
    if not isinstance(value, Mapping):
        return value
    ((kind, text),) = cast("Mapping[str, Any]", value).items()
    return {
        "float": float,
        "decimal": Decimal,
        "bytes": bytes.fromhex,
        "datetime": dt.datetime.fromisoformat,
        "date": dt.date.fromisoformat,
        "time": dt.time.fromisoformat,
        "microseconds": lambda number: dt.timedelta(microseconds=number),
    }[kind](text)


def _from_json(value: Mapping[str, Any]) -> SqlSplit:
    fields: dict[str, Any] = dict(value)
    fields |= {"order": tuple(value["order"]), "bounds": tuple(value["bounds"])}
    return SqlSplit(**fields)


def _to_json(split: SqlSplit) -> Mapping[str, Any]:
    return asdict(split) | {"order": list(split.order), "bounds": list(split.bounds)}


serializer: SplitSerializer[SqlSplit] = SplitSerializer(_to_json, _from_json)

__all__ = ["Place", "SqlSplit", "decode", "encode", "serializer"]
