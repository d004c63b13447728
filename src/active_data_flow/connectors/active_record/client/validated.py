"""The safe way in: rows become instances, which are validated and saved with their signals."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record.client.rows import Rows
from active_data_flow.connectors.active_record.client.saving import Saving
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.client.trusted import Way
from active_data_flow.connectors.active_record.faults import Fault, rejects_of, zero_key
from active_data_flow.connectors.active_record.fields import ModelField, target_of
from active_data_flow.connectors.sql.dialects import Column
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.columns import collector_paused, values_of


class ValidatedRows(Rows):
    """Saves instances, some thousands at once.

    Args:
        session: The writer's connection.
        model: The model.
        way: What is done with rows.
        rows: Instances that are saved at once.
        reject: Gets the records that are not valid, and those that the database refuses.
    """

    def __init__(
        self, session: ModelSession, model: Any, way: Way, rows: int, reject: Callable[[Reject], None]
    ) -> None:
        self._session = session
        self._model = model
        self._way = way
        self._max_rows = rows
        self._reject = reject
        self._fields: tuple[ModelField, ...] = ()
        self._saving: Saving | None = None
        self._waiting: list[tuple[Batch, Mapping[str, pa.Array]]] = []
        self._count = 0

    def prepare(self, fields: Sequence[ModelField], columns: Mapping[str, Column]) -> None:
        """Take rows with these fields from now on."""
        self.flush()
        self._fields = tuple(fields)
        names = {field.field.name: field.name for field in fields}
        updated = self._way.updated([field.attribute for field in fields])
        self._saving = Saving(self._session, self._model, self._way.unique_by, updated, names)

    def write(self, batch: Batch, columns: Mapping[str, pa.Array]) -> None:
        """Take rows; they are saved when enough of them are there."""
        for start in range(0, batch.num_rows, self._max_rows):
            part = {name: column.slice(start, self._max_rows) for name, column in columns.items()}
            piece = batch.with_data(batch.data.slice(start, self._max_rows))
            self._waiting.append((piece, part))
            self._count += piece.num_rows
            if self._count >= self._max_rows:
                self.flush()

    def flush(self) -> None:
        """Save what waits."""
        if not self._waiting:
            return
        assert self._saving is not None
        waiting, self._waiting, self._count = self._waiting, [], 0
        if not self._session.in_transaction:
            self._session.begin()
        names = [field.attribute for field in self._fields]
        with collector_paused():
            rows, faults = self._rows(waiting)
            numbers = [number for number in range(len(rows)) if number not in faults]
            refused = self._saving.save(names, [rows[number] for number in numbers])
        faults |= {numbers[row]: fault for row, fault in refused.items()}
        self._reject_all([batch for batch, _ in waiting], faults)

    def close(self) -> None:
        """Give up what waits."""
        self._waiting.clear()

    def _rows(
        self, waiting: Sequence[tuple[Batch, Mapping[str, pa.Array]]]
    ) -> tuple[list[tuple[Any, ...]], dict[int, Fault]]:
        faults: dict[int, Fault] = {}
        columns: list[list[Any]] = []
        for field in self._fields:
            values = [value for _, part in waiting for value in values_of(part[field.attribute])]
            columns.append(self._decoded(field, values, faults) if field.kind == "JSONField" else values)
            if self._session.takes_zero_for_none(field.field):
                faults |= {row: zero_key(field) for row, value in enumerate(values) if value == 0}
        return list(zip(*columns, strict=True)), faults

    def _decoded(self, field: ModelField, texts: Sequence[Any], faults: dict[int, Fault]) -> list[Any]:
        decoder, values = target_of(field.field).decoder, list[Any]()
        for row, text in enumerate(texts):
            if text is None:
                values.append(None)
                continue
            try:
                values.append(json.loads(text, cls=decoder))
            except ValueError as error:
                label = self._model._meta.label
                faults[row] = Fault(f"{label}: {field.name}: {text[:80]!r} is no JSON: {error}", field.name)
                values.append(None)
        return values

    def _reject_all(self, batches: Sequence[Batch], faults: Mapping[int, Fault]) -> None:
        first = 0
        for batch in batches:
            own = {row - first: fault for row, fault in faults.items() if first <= row < first + batch.num_rows}
            for reject in rejects_of(batch, own):
                self._reject(reject)
            first += batch.num_rows


__all__ = ["ValidatedRows"]
