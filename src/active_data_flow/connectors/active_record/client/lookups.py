"""Rows that foreign keys point to, and rows that are there already: looked up for whole batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from django.db import connections

from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.faults import Fault, mask_without, places, without
from active_data_flow.connectors.active_record.fields import ModelField
from active_data_flow.core.batch import Batch
from active_data_flow.core.kernels import pc

_MOST = 2000


class References:
    """The foreign keys among the fields that data fills.

    Args:
        session: The writer's connection.
        label: Name of the model, for reasons.
        fields: The fields that data fills.
        check: Whether to look for the rows that plain keys point to; else the database does.
    """

    def __init__(self, session: ModelSession, label: str, fields: Sequence[ModelField], *, check: bool) -> None:
        self._session = session
        self._label = label
        keys = [field for field in fields if field.field.remote_field is not None]
        self._fields = [field for field in keys if field.reference or check]

    @property
    def needed(self) -> bool:
        """Whether anything is to be looked up."""
        return bool(self._fields)

    def resolve(self, batch: Batch, columns: dict[str, pa.Array]) -> tuple[Batch, dict[str, pa.Array]]:
        """Keys in place of what the data names rows by; records whose row is not there become rejects.

        Args:
            batch: The batch, for the rejects.
            columns: Its columns by attributes of the model; not changed.
        """
        for field in self._fields:
            keys = self._keys(field, columns[field.attribute])
            missing = places(pc.and_(pc.is_valid(columns[field.attribute]), pc.is_null(keys)))
            faults = {row: self._fault(field, columns[field.attribute][row].as_py()) for row in missing}
            columns = {**columns, field.attribute: keys if field.reference else columns[field.attribute]}
            if faults:
                mask = mask_without(batch.num_rows, faults)
                columns = {name: column.filter(mask) for name, column in columns.items()}
                batch = without(batch, faults)
        return batch, columns

    def _keys(self, field: ModelField, values: pa.Array) -> pa.Array:
        encoded = values.dictionary_encode()
        named = _related(field).to_python
        known = [named(value) for value in encoded.dictionary.to_pylist()]
        found = self._found(field, [value for value in known if value is not None])
        keys = [None if value is None else found.get(value) for value in known]
        kind = None if field.reference else values.type
        texts = [str(key) if _is_uuid(key) else key for key in keys]
        return pa.array(texts, kind).take(encoded.indices)

    def _found(self, field: ModelField, values: Sequence[Any]) -> dict[Any, Any]:
        """Value in the data -> key."""
        related, target = _related(field), field.field.target_field
        choices = field.field.get_limit_choices_to() if field.field.remote_field else {}
        with self._session.bound():
            rows = field.field.related_model._base_manager.using(self._session.alias).complex_filter(choices)
            return {
                name: key
                for part in chunks(values, _most(self._session.alias))
                for name, key in rows.filter(**{f"{related.attname}__in": part}).values_list(
                    related.attname, target.attname
                )
            }

    def _fault(self, field: ModelField, value: object) -> Fault:
        related = field.field.related_model._meta.verbose_name
        text = f"{self._label}: {field.name}: there is no {related} with {_related(field).name} {value!r}"
        return Fault(text, field.name, "ValidationError")


def rows_with(model: Any, alias: str, names: Sequence[str], keys: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """A queryset for each part of the rows whose fields may have these values; some of them have others.

    Args:
        model: The model.
        alias: The database.
        names: Attributes of the fields.
        keys: Values of these fields.
    """
    for part in chunks(keys, max(1, _most(alias) // len(names))):
        wanted = {f"{name}__in": list(set(values)) for name, values in zip(names, zip(*part, strict=True), strict=True)}
        yield model._base_manager.using(alias).filter(**wanted)


def _most(alias: str) -> int:
    """Values that a query may have."""
    return min(_MOST, connections[alias].features.max_query_params or _MOST)


def chunks(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The values in lists of at most so many."""
    rest = list(values)
    for start in range(0, len(rest), size):
        yield rest[start : start + size]


def _related(field: ModelField) -> Any:
    """The field of the other model by which the data names its rows."""
    if field.reference:
        return field.field.related_model._meta.get_field(field.reference)
    return field.field.target_field


def _is_uuid(value: object) -> bool:
    return type(value).__name__ == "UUID"


__all__ = ["References", "chunks", "rows_with"]
