"""What is measured: one file a place, one function a path, registered here."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.cases import arrow, cache, django, memory, parquet, postgresql, sqlite, start, transforms
from benchmarks.setting import CaseMaker


@dataclass(frozen=True)
class Listed:
    """A case of the list.

    Attributes:
        make: Makes it.
        share: The share of ``--rows`` that it takes, so that everything together stays short.
        needs_peers: Whether nothing is left of it without the peers.
    """

    make: CaseMaker
    share: float = 1.0
    needs_peers: bool = False


CASES = {
    "csv": Listed(arrow.csv),
    "csv-by-rows": Listed(arrow.csv_by_rows, 0.05, needs_peers=True),
    "json-lines": Listed(arrow.json_lines, 0.25),
    "json-array": Listed(arrow.json_array, 0.25),
    "postgres": Listed(postgresql.csv),
    "postgres-by-rows": Listed(postgresql.csv_by_rows, 0.05, needs_peers=True),
    "upsert": Listed(postgresql.upsert, 0.25),
    "postgres-read": Listed(postgresql.read, 0.25),
    "django-append": Listed(django.append, 0.1),
    "django-upsert": Listed(django.upsert, 0.1),
    "django-validated": Listed(django.validated, 0.01),
    "sqlite": Listed(sqlite.csv),
    "sqlite-by-rows": Listed(sqlite.csv_by_rows, 0.05, needs_peers=True),
    "parquet": Listed(parquet.csv),
    "cache": Listed(cache.redis, 0.1),
    "cache-set-many": Listed(cache.set_many, 0.1),
    "cache-memory": Listed(cache.memory, 0.1),
    "messages": Listed(transforms.messages, 0.3),
    "messages-written": Listed(transforms.messages_written, 0.3),
    "vectorised": Listed(transforms.vectorised),
    "processes": Listed(transforms.processes, 0.3),
    "memory": Listed(memory.memory),
    "import": Listed(start.importing),
    "help": Listed(start.showing_help),
}

__all__ = ["CASES", "Listed"]
