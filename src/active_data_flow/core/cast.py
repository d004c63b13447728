"""Casting batches to a schema: whole columns where all values fit, and the rows that don't fit one by one."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from active_data_flow.core.batch import Batch, Reject, Stage
from active_data_flow.core.columns import records_of
from active_data_flow.core.conversion import Fault, convert, default_array
from active_data_flow.core.errors import SchemaError
from active_data_flow.core.field_options import alias_of, has_default
from active_data_flow.core.kernels import pc
from active_data_flow.core.near_names import near_names
from active_data_flow.core.policies import Drift
from active_data_flow.core.types import type_text


def cast_batch(
    batch: Batch,
    schema: pa.Schema,
    *,
    stage: Stage = "schema",
    drift: Drift = Drift.FREEZE,
    strict_columns: bool = True,
) -> Batch:
    """The batch with the columns and types of a schema.

    Columns are found by their alias, else by name; a missing one is filled with its default, else with null. Null where
    it isn't allowed becomes the default, else it is a value that doesn't fit. Batches that have the schema already are
    returned as they are.

    Args:
        batch: The batch.
        schema: What it shall have.
        stage: Where in the flow rows are rejected.
        drift: What to do about values that don't fit: FREEZE: the row becomes a reject, with field, value and reason;
            DISCARD: null (or the default) takes the value's place, and only where neither is possible the row becomes
            a reject; EVOLVE: the column keeps the type that it has in the data; FAIL: `SchemaError`.
        strict_columns: Whether to leave out columns that the schema doesn't have; else they stay behind the others.

    Raises:
        SchemaError: A column is missing that allows no null and has no default; or a value doesn't fit and `drift` is
            FAIL.

    Example:
        >>> batch = Batch(pa.RecordBatch.from_pylist([{"price": "2.5"}, {"price": "two"}]), "prices.csv", 0)
        >>> cast = cast_batch(batch, pa.schema({"price": pa.float64()}))
        >>> cast.data.to_pylist(), cast.rejects[0].error
        ([{'price': 2.5}], "price: 'two' does not fit float64")
    """
    if _has_already(batch.data, schema):
        return batch
    casting = _Casting(batch, drift)
    for field in schema:
        casting.add(field)
    if not strict_columns:
        casting.keep_others()
    return casting.result(stage)


def _has_already(data: pa.RecordBatch, schema: pa.Schema) -> bool:
    return data.schema.equals(schema) and all(
        field.nullable or data.column(index).null_count == 0 for index, field in enumerate(schema)
    )


class _Casting:
    """One batch on its way to a schema."""

    def __init__(self, batch: Batch, drift: Drift) -> None:
        self._batch = batch
        self._drift = drift
        self._taken: set[str] = set()
        self._fields: list[pa.Field] = []
        self._arrays: list[pa.Array] = []
        self._faults: dict[int, list[Fault]] = {}

    def add(self, field: pa.Field) -> None:
        """Take over one column."""
        name = self._name_in_data(field)
        array = self._missing(field) if name is None else self._batch.data.column(name)
        if name is not None:
            self._taken.add(name)
        converted = convert(array, field)
        faults = converted.faults
        if faults and self._drift is Drift.EVOLVE:
            self._put(pa.field(field.name, array.type, metadata=field.metadata), array)
            return
        result = converted.array
        if faults and self._drift is Drift.DISCARD and field.nullable:
            faults = {}
        elif faults and self._drift is Drift.DISCARD and has_default(field):
            result, faults = _filled(result, field), {}
        for row, fault in faults.items():
            self._faults.setdefault(row, []).append(fault)
        self._put(field, result)

    def keep_others(self) -> None:
        """Keep the columns that the schema doesn't have."""
        for field in self._batch.data.schema:
            if field.name not in self._taken:
                self._put(field, self._batch.data.column(field.name))

    def result(self, stage: Stage) -> Batch:
        """The batch, without the rows that don't fit."""
        data = pa.RecordBatch.from_arrays(self._arrays, schema=pa.schema(self._fields))
        if not self._faults:
            return self._batch.with_data(data)
        if self._drift is Drift.FAIL:
            raise self._failure()
        keep = [row not in self._faults for row in range(data.num_rows)]
        kept = self._batch.with_data(data).filter(pa.array(keep, pa.bool_()))
        return replace(kept, rejects=kept.rejects + self._rejects(stage))

    def _put(self, field: pa.Field, array: pa.Array) -> None:
        self._fields.append(field)
        self._arrays.append(array)

    def _name_in_data(self, field: pa.Field) -> str | None:
        names = self._batch.data.schema.names
        return next((name for name in (alias_of(field), field.name) if name in names), None)

    def _missing(self, field: pa.Field) -> pa.Array:
        count = self._batch.num_rows
        if has_default(field):
            return default_array(field, count)
        if field.nullable or count == 0:
            return pa.nulls(count, field.type)
        wanted = alias_of(field) or field.name
        names = self._batch.data.schema.names
        message = (
            f"column {wanted!r} is missing in the data{near_names(wanted, names)}"
            f" (give the field an alias or a default, or allow null: {type_text(field.type, nullable=True)})"
        )
        raise SchemaError(message, split=self._batch.split_id, position=self._batch.position)

    def _failure(self) -> SchemaError:
        row, faults = min(self._faults.items())
        message = f"row {row + 1} of {self._batch.num_rows} of the batch: {_reasons(faults)}"
        return SchemaError(message, split=self._batch.split_id, position=self._batch.position)

    def _rejects(self, stage: Stage) -> tuple[Reject, ...]:
        batch = self._batch
        rows = sorted(self._faults)
        records = records_of(batch.data, rows)
        return tuple(
            Reject(
                record,
                _reasons(self._faults[row]),
                SchemaError.__name__,
                stage,
                batch.split_id,
                batch.position,
                self._faults[row][0].field,
            )
            for row, record in zip(rows, records, strict=True)
        )


def _reasons(faults: list[Fault]) -> str:
    return "; ".join(fault.text for fault in faults)


def _filled(array: pa.Array, field: pa.Field) -> pa.Array:
    return pc.if_else(array.is_valid(), array, default_array(field, len(array)))


__all__ = ["cast_batch"]
