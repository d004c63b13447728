"""Validation as `full_clean` does it, with one query for a batch where `full_clean` makes one for a record.

Constraints that only the database can tell (`CheckConstraint`, `UniqueConstraint` with a condition) are left to it: a
row that it refuses is validated once more by itself, for the constraint's own message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from active_data_flow.connectors.active_record.client.lookups import rows_with
from active_data_flow.connectors.active_record.client.records import Record
from active_data_flow.connectors.active_record.faults import Fault

_QUERYING = ("full_clean", "validate_unique", "validate_constraints")


class Validation:
    """Validates instances of one model.

    Args:
        model: The model.
        alias: The database.
        names: Names of the model's fields in the data, where they differ.
    """

    def __init__(self, model: Any, alias: str, names: dict[str, str]) -> None:
        self._model = model
        self._alias = alias
        self._names = names
        fields = model._meta.concrete_fields
        dated = any(field.unique_for_date or field.unique_for_month or field.unique_for_year for field in fields)
        self._singly = dated or any(getattr(model, name) is not getattr(Model, name) for name in _QUERYING)
        self._keys = {field.name for field in fields if field.remote_field is not None}
        self._unique = list(_unique_fields(model))

    def faults(self, records: Sequence[Record]) -> dict[int, Fault]:
        """Row -> what is wrong with its record; what the database alone can tell is not looked at."""
        found: dict[int, Fault] = {}
        for record in records:
            error = self._own_error(record)
            if error is not None:
                found[record.row] = self.fault(error)
        good = [record for record in records if record.row not in found]
        for names in () if self._singly else self._unique:
            doubled = self._doubled(names, good)
            found |= doubled
            good = [record for record in good if record.row not in doubled]
        return found

    def fault(self, error: Exception) -> Fault:
        """An exception of validating or saving a record, as the reason why it can't be written."""
        label = self._model._meta.label
        if not isinstance(error, ValidationError):
            kind = type(error).__name__
            return Fault(f"{label}: {kind}: {error}", None, kind, error)
        by_field = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
        texts = [
            " ".join(messages) if name == NON_FIELD_ERRORS else f"{self._names.get(name, name)}: {' '.join(messages)}"
            for name, messages in by_field.items()
        ]
        names = [self._names.get(name, name) for name in by_field if name != NON_FIELD_ERRORS]
        field = names[0] if len(by_field) == 1 and names else None
        return Fault(f"{label}: {'; '.join(texts)}", field, "ValidationError", error)

    def error_of(self, record: Record) -> ValidationError | None:
        """What `full_clean` says of a record that the database has refused."""
        try:
            record.instance.full_clean(exclude=self._keys)
        except ValidationError as error:
            return error
        return None

    def _own_error(self, record: Record) -> Exception | None:
        instance = record.instance
        try:
            if self._singly:
                instance.full_clean(exclude=self._keys)
                return None
            errors: dict[str, Any] = {}
            for check in (lambda: instance.clean_fields(exclude=self._keys), instance.clean):
                try:
                    check()
                except ValidationError as error:
                    errors = dict(error.update_error_dict(errors))
            return ValidationError(errors) if errors else None
        except Exception as error:  # noqa: BLE001  # the model's own code may raise anything, which is the record's fault
            return error

    def _doubled(self, names: tuple[str, ...], records: Sequence[Record]) -> dict[int, Fault]:
        """Records whose values another one has, in the database or before them among these."""
        fields = [self._model._meta.get_field(name) for name in names]
        attributes = [field.attname for field in fields]
        is_key = any(field.primary_key for field in fields)
        keyed = [(record, record.values(attributes)) for record in records if record.created or not is_key]
        keyed = [(record, key) for record, key in keyed if None not in key]
        taken: dict[tuple[Any, ...], Any] = {}
        for part in rows_with(self._model, self._alias, attributes, [key for _, key in keyed]):
            taken |= {row[1:]: row[0] for row in part.values_list("pk", *attributes)}
        found: dict[int, Fault] = {}
        for record, key in keyed:
            own = object() if record.created else record.instance.pk
            if taken.setdefault(key, own) is not own and taken[key] != own:
                found[record.row] = self.fault(self._unique_error(record, names))
        return found

    def _unique_error(self, record: Record, names: tuple[str, ...]) -> ValidationError:
        message = record.instance.unique_error_message(self._model, names)
        return ValidationError({names[0] if len(names) == 1 else NON_FIELD_ERRORS: [message]})


def _unique_fields(model: Any) -> Iterable[tuple[str, ...]]:
    meta = model._meta
    single = [(field.name,) for field in meta.concrete_fields if field.unique and field.column]
    together = [tuple(names) for parent in (model, *meta.all_parents) for names in parent._meta.unique_together]
    total = [
        tuple(constraint.fields)
        for parent in (model, *meta.all_parents)
        for constraint in parent._meta.total_unique_constraints
    ]
    return dict.fromkeys((*single, *together, *total))


__all__ = ["Validation"]
