"""Models made by tests, for whatever columns they need; a module of their own, since servers ask for other fields."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

APP = "shop"
_numbers = itertools.count(1)


def field_of(kind: pa.DataType, **options: Any) -> Any:
    """A field that takes all values of a type; null is allowed."""
    from django.db import models

    options = {"null": True, "blank": True, **options}
    if pa.types.is_decimal(kind):
        return _exact_decimal()(max_digits=kind.precision, decimal_places=kind.scale, **options)
    name = next((name for name, is_kind in _KINDS.items() if is_kind(kind)), "TextField")
    return getattr(models, name)(**options)


_KINDS = {
    "JSONField": pa.types.is_nested,
    "BigIntegerField": pa.types.is_integer,
    "FloatField": pa.types.is_floating,
    "BinaryField": pa.types.is_binary,
    "BooleanField": pa.types.is_boolean,
    "DateField": pa.types.is_date,
    "TimeField": pa.types.is_time,
    "DateTimeField": pa.types.is_timestamp,
}


def _exact_decimal() -> Any:
    from django.db import models

    class ExactDecimal(models.DecimalField):
        """Of SQLite a text: its own decimals have 15 digits."""

        def db_type(self, connection: Any) -> str | None:
            return "decimal_text" if connection.vendor == "sqlite" else super().db_type(connection)

    return ExactDecimal


def key() -> Any:
    """A key that the data gives."""
    from django.db import models

    return models.BigIntegerField(primary_key=True)


def new_model(
    fields: Mapping[str, Any], database: str = "default", constraints: Iterable[Any] = (), **extra: Any
) -> Any:
    """A model with these fields, and its table."""
    from django.db import connections, models

    name = f"T{next(_numbers)}"
    meta = type("Meta", (), {"app_label": APP, "constraints": list(constraints)})
    body = {"__module__": f"django_project.{APP}.models", "Meta": meta, **fields, **extra}
    model = type(models.Model)(name, (models.Model,), body)
    with connections[database].schema_editor() as editor:
        editor.create_model(model)
    return model


def forget(models: Iterable[Any]) -> None:
    """Take models out of the project, so that no other test looks for their tables."""
    from django.apps import apps

    for model in models:
        apps.all_models[APP].pop(model.__name__.lower(), None)
    apps.clear_cache()


__all__ = ["APP", "field_of", "forget", "key", "new_model"]
