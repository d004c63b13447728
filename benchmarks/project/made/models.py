"""The made table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

from benchmarks.schema import SCHEMA_OPTIONS

_EMPTY = {"null": True, "blank": True}
_FIELDS: dict[str, Callable[[], Any]] = {
    "int64": lambda: models.BigIntegerField(**_EMPTY),
    "string": lambda: models.TextField(**_EMPTY),
    "timestamp[us]": lambda: models.DateTimeField(**_EMPTY),
    "date": lambda: models.DateField(**_EMPTY),
    "decimal(12,2)": lambda: models.DecimalField(max_digits=12, decimal_places=2, **_EMPTY),
    "float64": lambda: models.FloatField(**_EMPTY),
    "bool": lambda: models.BooleanField(**_EMPTY),
}


class Made(models.Model):
    """A row; the other fields follow from the schema."""

    id = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "made"
        managed = False

    def __str__(self) -> str:
        return str(self.pk)


for _name, _kind in SCHEMA_OPTIONS.items():
    if _name != "id":
        Made.add_to_class(_name, _FIELDS[_kind]())
