"""The made table row by row, with values of the types that its columns have, and back to Arrow."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from benchmarks.schema import SCHEMA_OPTIONS

CONVERTERS: list[Callable[[str], Any]] = [
    {
        "int64": int,
        "string": str,
        "timestamp[us]": dt.datetime.fromisoformat,
        "date": dt.date.fromisoformat,
        "decimal(12,2)": Decimal,
        "float64": float,
        "bool": "true".__eq__,
    }[kind]
    for kind in SCHEMA_OPTIONS.values()
]
SIZE = 5_000
"""Rows of a batch, for all who ask how many."""


def typed(texts: Iterable[str]) -> list[Any]:
    """The values of a row; an empty field is None."""
    return [convert(text) if text else None for convert, text in zip(CONVERTERS, texts, strict=True)]


def read_rows(path: str) -> Iterator[list[Any]]:
    """The rows of a CSV file."""
    with open(path, newline="") as file:  # noqa: PTH123  # as short as it gets: this is timed
        reader = csv.reader(file)
        next(reader)
        yield from map(typed, reader)


def in_parts(items: Iterable[Any], size: int = SIZE) -> Iterator[list[Any]]:
    """Lists of so many items."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
