"""Values as a model's table keeps them, for rows that don't go through the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from django.core.exceptions import ValidationError

from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.conversion import in_zone
from active_data_flow.connectors.active_record.fields import ModelField, Typing, is_automatic_key, is_custom, target_of
from active_data_flow.connectors.sql.dialects import Column
from active_data_flow.core.columns import values_of
from active_data_flow.core.errors import SinkError
from active_data_flow.core.kernels import pc


class StoredForm:
    """Turns values of fields into what their columns take.

    Args:
        session: The writer's connection.
        typing: Types of fields.
        zone: Time zone of moments that the database keeps without one.
    """

    def __init__(self, session: ModelSession, typing: Typing, zone: str) -> None:
        self._session = session
        self._typing = typing
        self._zone = zone

    def of(self, values: pa.Array, field: ModelField, column: Column) -> pa.Array:
        """Values of a field as its column takes them.

        Raises:
            SinkError: They don't fit, though they fit the field.
        """
        try:
            if is_custom(field.field) or field.type is None:
                values = self._by_field(values, field.field)
            return self._plain(values, field.kind, column)
        except (pa.ArrowException, TypeError, ValueError, ValidationError) as error:
            label = field.field.model._meta.label
            message = (
                f"{label}: field {field.name} can't be written to column {column.name} ({column.declared}) without "
                f"the model: {error}; leave trusted out, or migrate where model and table differ"
            )
            raise SinkError(message) from error

    def filled(self, field: Any, rows: int) -> pa.Array | None:
        """What a new row gets in a field that the data does not fill; None where the database sees to that."""
        if is_stamped(field):
            moment = field.pre_save(SimpleNamespace(), add=True)  # the time of writing, as Django takes it
            return pa.repeat(self._scalar(field, moment), rows)
        if field.has_default() and callable(field.default):
            return self._array(field, [field.get_default() for _ in range(rows)])
        if field.has_default() or not (field.null or field.has_db_default() or is_automatic_key(field)):
            return pa.repeat(self._scalar(field, field.get_default()), rows)
        return None

    def _plain(self, values: pa.Array, kind: str, column: Column) -> pa.Array:
        if pa.types.is_duration(values.type):
            numbers = values.cast(pa.duration("us")).cast(pa.int64())
            if column.kind is not None:
                return numbers.cast(column.kind)
            return pc.binary_join_element_wise(numbers.cast(pa.string()), "microseconds", " ")
        if kind == "UUIDField" and not column.declared.startswith("uuid"):
            values = pc.replace_substring(values, "-", "")
        if column.kind is None or values.type == column.kind:
            return values
        if pa.types.is_timestamp(values.type) and pa.types.is_timestamp(column.kind):
            values = in_zone(values, column.kind, self._zone)
        return values.cast(column.kind)

    def _by_field(self, values: pa.Array, field: Any) -> pa.Array:
        wrapper = self._session.wrapper
        found = [field.get_db_prep_save(field.to_python(value), connection=wrapper) for value in values_of(values)]
        return pa.array(found)

    def _scalar(self, field: Any, value: Any) -> pa.Scalar:
        return self._array(field, [value])[0]

    def _array(self, field: Any, values: Sequence[Any]) -> pa.Array:
        target = target_of(field)
        if target.get_internal_type() == "JSONField":
            values = [None if value is None else json.dumps(value, cls=target.encoder) for value in values]
        else:
            values = [target.to_python(value) for value in values]
        kind = self._typing.of(field)
        if kind is not None and pa.types.is_string(kind):
            values = [None if value is None else str(value) for value in values]
        return pa.array(values, kind)


def is_stamped(field: Any) -> bool:
    """Whether the field is the time of writing, whatever the data says."""
    return bool(getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


__all__ = ["StoredForm", "is_stamped"]
