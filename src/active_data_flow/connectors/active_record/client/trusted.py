"""The fast way in: rows go into the model's table as the SQL connector writes them, past validation and signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record.client.rows import Rows
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.client.stored import StoredForm, is_stamped
from active_data_flow.connectors.active_record.faults import Fault, mask_without, places, without, zero_key
from active_data_flow.connectors.active_record.fields import ModelField, is_automatic_key, writable_fields
from active_data_flow.connectors.sql.conversion import Converted
from active_data_flow.connectors.sql.dialects import Column, Dialect
from active_data_flow.connectors.sql.loading import Loader
from active_data_flow.connectors.sql.sink_configuration import CreateTable, Mode, Target
from active_data_flow.connectors.sql.writer import MAX_BYTES
from active_data_flow.core.background import Background
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.errors import SinkError
from active_data_flow.core.kernels import pc

_KEPT_BYTES = 8 * MAX_BYTES
"""Staged rows are merged when they come to this size, so that memory does not grow with the data."""


@dataclass(frozen=True, slots=True)
class Way:
    """What is done with rows.

    Attributes:
        mode: ``append`` or ``upsert``.
        unique_by: Attributes whose values make a row the same.
        update_only: Attributes that a row that is there gets anew; none: all that are given.
    """

    mode: Mode
    unique_by: tuple[str, ...] = ()
    update_only: tuple[str, ...] = ()

    def updated(self, attributes: Sequence[str]) -> tuple[str, ...]:
        """Of the attributes that the data has: those that a row that is there gets anew."""
        given = self.update_only or tuple(attributes)
        return tuple(name for name in attributes if name in given and name not in self.unique_by)


class TrustedRows(Rows):
    """Loads rows in large pieces, one while the next is made ready.

    Args:
        session: The writer's connection.
        dialect: The database's.
        model: The model.
        way: What is done with rows.
        form: How values are kept.
        rows: Rows of a piece.
        reject: Gets the rows that the database refuses.
    """

    def __init__(
        self,
        session: ModelSession,
        dialect: Dialect,
        model: Any,
        way: Way,
        form: StoredForm,
        rows: int,
        reject: Callable[[Reject], None],
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._model = model
        self._way = way
        self._form = form
        self._max_rows = rows
        self._reject = reject
        self._fields: tuple[ModelField, ...] = ()
        self._columns: dict[str, Column] = {}
        self._loader: Loader | None = None
        self._names: tuple[str, ...] = ()
        self._pieces: list[Converted] = []
        self._bytes = self._staged_bytes = 0
        self._loading = Background("adf-load")
        self._refused: list[Reject] = []

    def prepare(self, fields: Sequence[ModelField], columns: Mapping[str, Column]) -> None:
        """Take rows with these fields from now on."""
        if any(parent._meta.concrete_model is not self._model._meta.concrete_model for parent in _parents(self._model)):
            message = f"model {self._model._meta.label} keeps its rows in several tables; leave trusted out"
            raise SinkError(message)
        self.flush()
        self._loader = None
        self._fields = tuple(fields)
        self._columns = dict(columns)

    def write(self, batch: Batch, columns: Mapping[str, pa.Array]) -> None:
        """Take rows; a piece is loaded when enough of them are there."""
        batch, columns = _without(batch, columns, self._faults(columns))
        for reject in batch.rejects:
            self._reject(reject)
        if not batch.num_rows:
            return
        piece = Converted(batch, self._stored(columns, batch.num_rows))
        if tuple(piece.rows.schema.names) != self._names:
            self.flush()
            self._loader, self._names = None, tuple(piece.rows.schema.names)
        self._pieces.append(piece)
        self._bytes += piece.rows.nbytes
        if self._bytes >= MAX_BYTES or sum(piece.rows.num_rows for piece in self._pieces) >= self._max_rows:
            self._load()

    def settle(self) -> None:
        """Return when the session is free, and the rows that the database has refused are rejected."""
        self._loading.wait()
        refused = self._refused.copy()
        self._refused.clear()
        names = {field.field.column: field.name for field in self._fields}
        for reject in refused:
            field = names.get(reject.field or "", reject.field)
            self._reject(replace(reject, error=f"{self._model._meta.label}: {reject.error}", field=field))

    def flush(self) -> None:
        """Hand all rows to the database."""
        self._load()
        self.settle()
        if self._loader is not None:
            self._loader.finish()
            self._staged_bytes = 0
            self.settle()

    def committed(self) -> None:
        """Begin with a staging table of its own: a pooler may give the next transaction another connection."""
        self._loader = None

    def close(self) -> None:
        """Give up what was not committed."""
        self._pieces.clear()
        self._loader = None
        self._loading.wait()

    def _faults(self, columns: Mapping[str, pa.Array]) -> dict[int, Fault]:
        """Rows that lack a value that they must have, or whose key would become another one."""
        faults: dict[int, Fault] = {}
        for field in self._fields:
            values, label = columns[field.attribute], self._model._meta.label
            automatic = is_automatic_key(field.field)
            if not field.field.null and not is_stamped(field.field) and values.null_count:
                why = "numbers rows by itself; leave the column out" if automatic else "can't be null"
                fault = Fault(f"{label}: {field.name} {why}; there is no value", field.name)
                faults |= dict.fromkeys(places(pc.is_null(values)), fault)
            if self._session.takes_zero_for_none(field.field):
                zeros = places(pc.fill_null(pc.equal(values, 0), fill_value=False))
                faults |= dict.fromkeys(zeros, zero_key(field))
        return faults

    def _stored(self, columns: Mapping[str, pa.Array], rows: int) -> pa.RecordBatch:
        given = {field.attribute: field for field in self._fields}
        found: dict[str, pa.Array] = {}
        for field in writable_fields(self._model):
            known = given.get(field.attname)
            filled = self._form.filled(field, rows) if known is None or is_stamped(field) else columns[field.attname]
            if filled is not None:
                column = self._columns[field.column]
                known = known or ModelField(field.attname, field, filled.type)
                found[field.column] = self._dialect.encode(self._form.of(filled, known, column), column)
        return pa.record_batch(found)

    def _load(self) -> None:
        if not self._pieces:
            return
        loader = self._loader_of_rows()
        ready, self._pieces = loader.make_ready(self._pieces), []
        self._staged_bytes += self._bytes
        self._bytes = 0
        self.settle()
        if not self._session.in_transaction:
            self._session.begin()
        self._loading.start(lambda: loader.load(ready))
        if self._staged_bytes >= _KEPT_BYTES and self._way.mode == "upsert":
            self.flush()

    def _loader_of_rows(self) -> Loader:
        if self._loader is None:
            columns = [self._columns[name] for name in self._names]
            self._loader = Loader(self._dialect, self._target(), columns, self._refused.append, keep=True)
        return self._loader

    def _target(self) -> Target:
        fields = {field.attname: field.column for field in writable_fields(self._model)}
        updated = [fields[name] for name in self._way.updated([field.attribute for field in self._fields])]
        stamped = [field.column for field in writable_fields(self._model) if getattr(field, "auto_now", False)]
        only = tuple(dict.fromkeys((*updated, *stamped)))
        keys = tuple(fields[name] for name in self._way.unique_by)
        return Target(self._model._meta.db_table, None, self._way.mode, keys, only, CreateTable())


def _without(
    batch: Batch, columns: Mapping[str, pa.Array], faults: Mapping[int, Fault]
) -> tuple[Batch, Mapping[str, pa.Array]]:
    """A batch and its columns without the rows at fault, which become rejects."""
    if not faults:
        return batch, columns
    mask = mask_without(batch.num_rows, faults)
    return without(batch, faults), {name: column.filter(mask) for name, column in columns.items()}


def _parents(model: Any) -> Sequence[Any]:
    return model._meta.all_parents


__all__ = ["TrustedRows", "Way"]
