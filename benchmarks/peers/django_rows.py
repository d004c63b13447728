"""Rows through Django's ORM: python -m benchmarks.peers.django_rows insert|upsert|read URL CSV|TABLE."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.db import models, transaction

from benchmarks.peers.rows import SIZE, in_parts, read_rows
from benchmarks.schema import NAMES, SCHEMA_OPTIONS

FIELDS: dict[str, Callable[[str], models.Field[Any, Any]]] = {
    "int64": lambda name: (
        models.BigIntegerField(primary_key=True) if name == "id" else models.BigIntegerField(null=True)
    ),
    "string": lambda _: models.TextField(null=True),  # as the table is
    "timestamp[us]": lambda _: models.DateTimeField(null=True),
    "date": lambda _: models.DateField(null=True),
    "decimal(12,2)": lambda _: models.DecimalField(null=True, max_digits=12, decimal_places=2),
    "float64": lambda _: models.FloatField(null=True),
    "bool": lambda _: models.BooleanField(null=True),
}


def configure(url: str) -> type[Any]:
    """Django on the database, and the model of the made table."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        database: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///")}
    else:
        place = {"NAME": parts.path[1:], "USER": parts.username, "HOST": parts.hostname, "PORT": parts.port}
        database = {"ENGINE": "django.db.backends.postgresql", **place}
    settings.configure(DATABASES={"default": database}, USE_TZ=False)
    django.setup()
    columns = {name: FIELDS[kind](name) for name, kind in SCHEMA_OPTIONS.items()}
    meta = type("Meta", (), {"app_label": "made", "db_table": "made", "managed": False})
    return type("Made", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})


def load(made: type[Any], source: str, **options: Any) -> None:
    """Create objects."""
    with transaction.atomic():
        for rows in in_parts(read_rows(source)):
            made.objects.bulk_create([made(*row) for row in rows], batch_size=SIZE, **options)


def read(made: type[Any], table: str) -> None:
    """Values to Arrow."""
    from benchmarks.peers.to_arrow import batch_of
    from benchmarks.taking import take

    values = made.objects.values_list(*NAMES).iterator(chunk_size=8_192)
    take(batch_of(zip(*rows, strict=True)) for rows in in_parts(values, 8_192))


def main(way: str, url: str, what: str) -> None:
    """Load or read."""
    made = configure(url)
    if way == "read":
        read(made, what)
    elif way == "insert":
        load(made, what)
    else:
        changed = [name for name in NAMES if name != "id"]
        load(made, what, update_conflicts=True, unique_fields=["id"], update_fields=changed)


main(*sys.argv[1:])
