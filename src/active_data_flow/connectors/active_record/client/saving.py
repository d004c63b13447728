"""Validated instances into the database: in bulk with their signals, or one by one where a model saves by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import Model
from django.db.models.signals import post_save, pre_save

from active_data_flow.connectors.active_record.client.lookups import rows_with
from active_data_flow.connectors.active_record.client.records import Record
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.client.validation import Validation
from active_data_flow.connectors.active_record.faults import Fault
from active_data_flow.connectors.active_record.fields import is_automatic_key
from active_data_flow.core.errors import ActiveDataFlowError, SinkError

_OWN_SAVING = ("save", "save_base", "_save_table", "_do_insert", "_do_update")


class Saving:
    """Writes rows through the model: validation, signals, and `save` where the model has one of its own.

    Args:
        session: The writer's connection.
        model: The model.
        unique_by: Attributes whose values make a row the same; none: every row is new.
        update_only: Attributes that a row that is there gets anew.
        names: Names of the model's fields in the data, where they differ.
    """

    def __init__(
        self,
        session: ModelSession,
        model: Any,
        unique_by: Sequence[str],
        update_only: Sequence[str],
        names: dict[str, str],
    ) -> None:
        self._session = session
        self._alias = session.alias
        self._model = model
        self._unique_by = tuple(unique_by)
        self._update_only = tuple(update_only)
        self._validation = Validation(model, session.alias, names)
        fields = model._meta.concrete_fields
        self._updated = tuple(dict.fromkeys((*update_only, *(f.attname for f in fields if _is_stamped(f)))))
        self._kept = tuple(f.attname for f in fields if getattr(f, "auto_now_add", False))
        self._automatic_key = model._meta.pk.attname if is_automatic_key(model._meta.pk) else None
        self._columns = {field.column: names.get(field.name, field.name) for field in fields}
        self._singly = self._saves_singly()

    def save(self, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[int, Fault]:
        """Write rows in the session's transaction.

        Args:
            names: Attributes of the model.
            rows: Their values.

        Returns:
            Row -> why it was not written.

        Raises:
            SinkUnavailableError, SinkError: As the session does.
        """
        faults: dict[int, Fault] = {}
        with self._session.bound():
            for part in self._rounds(names, rows):
                records = list(self._records(names, part, faults))
                faults |= self._validation.faults(records)
                self._write([record for record in records if record.row not in faults], faults)
        return faults

    def _rounds(self, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[dict[int, tuple[Any, ...]]]:
        """Rows in parts to be saved one after the other, so that none has two rows with the same key."""
        if not self._unique_by:
            return [dict(enumerate(rows))]
        places = [names.index(name) for name in self._unique_by]
        rounds: list[dict[int, tuple[Any, ...]]] = []
        seen: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(rows):
            key = tuple(row[place] for place in places)
            count = seen[key] = seen.get(key, -1) + 1
            if count == len(rounds):
                rounds.append({})
            rounds[count][number] = row
        return rounds

    def _records(
        self, names: Sequence[str], rows: Mapping[int, tuple[Any, ...]], faults: dict[int, Fault]
    ) -> Iterator[Record]:
        known = self._known([dict(zip(names, row, strict=True)) for row in rows.values()]) if self._unique_by else {}
        for number, row in rows.items():
            values = dict(zip(names, row, strict=True))
            try:
                yield self._record(number, values, known)
            except Exception as error:  # noqa: BLE001  # the model's own code may raise anything, which is the record's fault
                faults[number] = self._validation.fault(error)

    def _record(self, row: int, values: dict[str, Any], known: Mapping[tuple[Any, ...], Any]) -> Record:
        instance = known.get(self._key(values)) if known else None
        if instance is None:
            new = self._model(**values)
            new._state.db = self._alias
            return Record(row, new, created=True, kept={})
        kept = {name: getattr(instance, name) for name in self._kept}
        for name in self._update_only:
            setattr(instance, name, values[name])
        return Record(row, instance, created=False, kept=kept)

    def _known(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], Any]:
        """Instances that are there, by key."""
        usable: list[tuple[Any, ...]] = []
        for values in rows:
            with suppress(ValidationError):  # the record is refused when it is made
                usable.append(self._key(values))
        usable = [key for key in usable if None not in key]
        return {
            tuple(getattr(instance, name) for name in self._unique_by): instance
            for part in rows_with(self._model, self._alias, self._unique_by, usable)
            for instance in part
        }

    def _key(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        fields = {field.attname: field for field in self._model._meta.concrete_fields}
        return tuple(fields[name].to_python(values[name]) for name in self._unique_by)

    def _write(self, records: list[Record], faults: dict[int, Fault]) -> None:
        """Save records; what can't be saved together is taken apart until only the bad ones are left out."""
        waiting = [records]
        while waiting:
            part = waiting.pop()
            if not part:
                continue
            try:
                self._put_safely(part)
            except ActiveDataFlowError:
                raise
            except Exception as error:  # noqa: BLE001  # receivers may raise anything
                self._raise_unless_of_row(error)
                for record in part:
                    record.renew(self._automatic_key)
                if len(part) == 1:
                    faults[part[0].row] = self._fault(part[0], error)
                else:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]

    def _put_safely(self, records: Sequence[Record]) -> None:
        with transaction.atomic(using=self._alias):
            self._put_singly(records) if self._singly else self._put(records)
            if connections[self._alias].needs_rollback:
                raise SinkError(
                    f"{self._model._meta.label}: code of the model or of a receiver has caught an error of the "
                    "database without transaction.atomic() around what failed"
                )

    def _raise_unless_of_row(self, error: Exception) -> None:
        """Raise errors of the database that are not about values."""
        if isinstance(error, (DatabaseError, InterfaceError)) and self._session.failure(error).meaning != "refused":
            raise error

    def _fault(self, record: Record, error: Exception) -> Fault:
        if not isinstance(error, DatabaseError):
            return self._validation.fault(error)
        explained = self._validation.error_of(record)
        if explained is not None:
            return self._validation.fault(explained)
        failure, label = self._session.failure(error), self._model._meta.label
        return Fault(f"{label}: {failure.text}", self._columns.get(failure.column), type(error).__name__, error)

    def _put_singly(self, records: Sequence[Record]) -> None:
        for record in records:
            record.instance.save(using=self._alias, force_insert=record.created)

    def _put(self, records: Sequence[Record]) -> None:
        self._send(pre_save, records)
        new = [record.instance for record in records if record.created]
        changed = [record for record in records if not record.created]
        rows = self._model._base_manager.using(self._alias)
        if new and self._unique_by and self._updated:
            rows.bulk_create(new, **self._conflict())
        elif new:
            rows.bulk_create(new)
        if changed and self._updated:
            rows.bulk_create([record.instance for record in changed], **self._conflict())
            for record in changed:
                record.instance.__dict__.update(record.kept)
        self._send(post_save, records)

    def _conflict(self) -> dict[str, Any]:
        fields = {field.attname: field.name for field in self._model._meta.concrete_fields}
        found: dict[str, Any] = {
            "update_conflicts": True,
            "update_fields": [fields[name] for name in self._updated],
        }
        features: Any = connections[self._alias].features
        if features.supports_update_conflicts_with_target:
            found["unique_fields"] = [fields[name] for name in self._unique_by]
        return found

    def _send(self, signal: Any, records: Sequence[Record]) -> None:
        if not signal.has_listeners(self._model):
            return
        for record in records:
            values: dict[str, Any] = {"raw": False, "using": self._alias, "update_fields": None}
            if signal is post_save:
                values["created"] = record.created
            signal.send(sender=self._model, instance=record.instance, **values)

    def _saves_singly(self) -> bool:
        """Whether the model's own `save` is to be called, or something stands against inserts of many rows."""
        if any(getattr(self._model, name) is not getattr(Model, name) for name in _OWN_SAVING):
            return True
        if any(parent._meta.concrete_model is not self._model._meta.concrete_model for parent in _parents(self._model)):
            return True  # rows of several tables
        features: Any = connections[self._alias].features
        numbers = features.can_return_rows_from_bulk_insert or self._automatic_key is None
        return not numbers and post_save.has_listeners(self._model)


def _parents(model: Any) -> Sequence[Any]:
    return model._meta.all_parents


def _is_stamped(field: Any) -> bool:
    return bool(getattr(field, "auto_now", False))


__all__ = ["Saving"]
