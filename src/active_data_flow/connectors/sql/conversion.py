"""From batches of a flow to batches that the database takes, whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa

from active_data_flow.connectors.sql.dialects import Column, Dialect
from active_data_flow.connectors.sql.tables import Plan, TargetTable, wider
from active_data_flow.connectors.sql.types import as_json, is_list, is_nested, plain
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.kernels import pc
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.core.schema import cast_batch


@dataclass(frozen=True, slots=True)
class Converted:
    """A batch as the database takes it.

    Attributes:
        batch: The rows, in the types that the table means; for records that are rejected later.
        rows: The same rows as they are ingested: names and types of the table's columns.
    """

    batch: Batch
    rows: pa.RecordBatch


class Conversion:
    """Turns batches of one schema into rows of the table."""

    def __init__(
        self,
        plan: Plan,
        dialect: Dialect,
        contract: SchemaContract,
        keys: tuple[str, ...],
        reject: Callable[[Reject], None],
    ) -> None:
        self.plan = plan
        self._dialect = dialect
        self._contract = contract
        self._keys = frozenset(keys)
        self._reject = reject
        self._target = pa.schema(
            [
                pa.field(name, _target_type(column, plan.schema.field(name).type, dialect))
                for name, column in zip(plan.fields, plan.columns, strict=True)
            ]
        )

    def columns_to_widen(self, batch: Batch) -> list[tuple[Column, pa.DataType]]:
        """Columns that the contract has widened, since values of the batch don't fit them, with their new types."""
        if self._contract.type is not Drift.EVOLVE:
            return []
        cast = self._cast(replace(batch, rejects=()), Drift.FREEZE)
        faulty = {reject.field for reject in cast.rejects}
        found: list[tuple[Column, pa.DataType]] = []
        for name, column in zip(self.plan.fields, self.plan.columns, strict=True):
            kind = None if column.kind is None else wider(column.kind, self.plan.schema.field(name).type)
            if name in faulty and kind is not None:
                found.append((column, kind))
        return found

    def convert(self, batch: Batch) -> Converted | None:
        """The batch as the database takes it; unusable rows are rejected. None where no row is left.

        Raises:
            SchemaError: A value doesn't fit, and the contract is to fail.
        """
        batch = self._without_unknown(replace(batch, rejects=()))
        drift = Drift.FREEZE if self._contract.type is Drift.EVOLVE else self._contract.type
        batch = self._without_null(self._cast(batch, drift))
        for reject in batch.rejects:
            self._reject(reject)
        if batch.num_rows == 0:
            return None
        batch = replace(batch, rejects=())
        arrays = [
            self._dialect.encode(array, column)
            for array, column in zip(batch.data.columns, self.plan.columns, strict=True)
        ]
        return Converted(batch, pa.record_batch(arrays, [column.name for column in self.plan.columns]))

    def _cast(self, batch: Batch, drift: Drift) -> Batch:
        data = batch.data.select(list(self.plan.fields))
        arrays = [_prepared(array, field.type) for array, field in zip(data.columns, self._target, strict=True)]
        batch = batch.with_data(pa.record_batch(arrays, data.schema.names))
        return cast_batch(batch, self._target, stage="write", drift=drift)

    def _without_unknown(self, batch: Batch) -> Batch:
        """Frozen columns: rows that have a value for a column that the table lacks don't fit."""
        if not self.plan.unknown or self._contract.column is not Drift.FREEZE:
            return batch
        faults: dict[int, str] = {}
        for name in self.plan.unknown:
            for row in _places(pc.is_valid(batch.data.column(name))):
                faults.setdefault(row, f"the table has no column {name}, and the contract freezes its columns")
        return batch.reject(faults, stage="write", error_type="SchemaError", field=self.plan.unknown[0])

    def _without_null(self, batch: Batch) -> Batch:
        for column, name in zip(self.plan.columns, self.plan.fields, strict=True):
            required = name in self._keys or not (column.nullable or column.filled)
            if required and batch.data.column(name).null_count:
                why = "is part of the key" if name in self._keys else "is NOT NULL"
                faults = dict.fromkeys(
                    _places(pc.is_null(batch.data.column(name))), f"column {name} {why}; there is no value"
                )
                batch = batch.reject(faults, stage="write", error_type="RecordError", field=name)
        return batch


def conversion_for(
    table: TargetTable,
    batch: Batch,
    dialect: Dialect,
    contract: SchemaContract,
    keys: tuple[str, ...],
    reject: Callable[[Reject], None],
) -> Conversion:
    """A conversion for batches of that schema, after the table has been made and widened as the contract says."""
    conversion = Conversion(table.plan(batch.data.schema), dialect, contract, keys, reject)
    widened = conversion.columns_to_widen(batch)
    if not widened:
        return conversion
    for column, kind in widened:
        table.widen(column, kind)
    return Conversion(table.plan(batch.data.schema), dialect, contract, keys, reject)


def _target_type(column: Column, given: pa.DataType, dialect: Dialect) -> pa.DataType:
    if is_nested(given) and column.kind is not None and not is_nested(column.kind):
        return pa.string()
    if is_list(given) and column.kind is not None and is_list(column.kind):
        return column.kind
    if column.kind is not None:
        return column.kind
    # a column that takes anything: SQLite keeps what comes, the others read text
    if dialect.session.dialect == "sqlite" and not is_nested(given):
        return plain(given)
    return pa.string()


def _prepared(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """What a cast does not do the way databases need it: nested values as JSON, moments as UTC without a zone."""
    if is_nested(array.type) and not is_nested(kind):
        return as_json(array)
    if pa.types.is_timestamp(kind) and kind.tz is None and pa.types.is_timestamp(array.type) and array.type.tz:
        return array.cast(pa.timestamp(array.type.unit, "UTC")).cast(pa.timestamp(array.type.unit))
    return array


def _places(mask: pa.Array) -> list[int]:
    return pc.indices_nonzero(mask).to_pylist()


__all__ = ["Conversion", "Converted", "conversion_for"]
