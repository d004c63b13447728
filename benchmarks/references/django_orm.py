"""Rows into a model by hand: python -m benchmarks.references.django_orm create|upsert|clean CSV."""

from __future__ import annotations

import sys
from typing import Any

import django
from django.db import transaction

from benchmarks.references.open_csv import open_csv
from benchmarks.schema import NAMES

django.setup()

from benchmarks.project.made.models import Made  # noqa: E402  # models come behind the set-up

SIZE = 5_000


def main(way: str, path: str) -> None:
    """Objects of each row, in parts; `clean` validates each of them."""
    options: dict[str, Any] = {}
    if way == "upsert":
        changed = [name for name in NAMES if name != "id"]
        options = {"update_conflicts": True, "unique_fields": ["id"], "update_fields": changed}
    with transaction.atomic():
        for batch in open_csv(path):
            for start in range(0, batch.num_rows, SIZE):
                made = [Made(**row) for row in batch.slice(start, SIZE).to_pylist()]
                if way == "clean":
                    for one in made:
                        one.full_clean()
                Made.objects.bulk_create(made, **options)


main(*sys.argv[1:])
