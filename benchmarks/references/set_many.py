"""Bare `set_many` of Django's cache: python -m benchmarks.references.set_many rows|records|texts CSV SECONDS.

``rows``: a CSV file as rows, each a JSON text, all of it counts. ``records``: the rows are read before. ``texts``: the
texts are made before, too: only `set_many` counts.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

import django

from benchmarks.references.open_csv import open_csv
from benchmarks.taking import timed

PIECE = 1_000
Entry = tuple[str, str]


def read(path: str) -> Iterator[dict[str, Any]]:
    """The file's rows."""
    return chain.from_iterable(batch.to_pylist() for batch in open_csv(path))


def entries(records: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    """Key and JSON text of each row."""
    return ((f"row:{row['id']}", json.dumps(row, default=str, separators=(",", ":"))) for row in records)


def write(made: Iterable[Entry], seconds: int) -> None:
    """Write entries, a thousand at a time."""
    from django.core.cache import cache

    left = iter(made)
    while piece := dict(islice(left, PIECE)):
        cache.set_many(piece, seconds)


def rows(path: str, seconds: int) -> None:
    """From the file to the cache."""
    write(entries(read(path)), seconds)


def records(path: str, seconds: int) -> None:
    """Texts and `set_many`."""
    made = list(read(path))
    with timed():
        write(entries(made), seconds)


def texts(path: str, seconds: int) -> None:
    """Only `set_many`."""
    made = list(entries(read(path)))
    with timed():
        write(made, seconds)


WAYS: dict[str, Callable[[str, int], None]] = {"rows": rows, "records": records, "texts": texts}

if __name__ == "__main__":
    django.setup()
    WAYS[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
