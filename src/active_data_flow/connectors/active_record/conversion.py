"""From batches of a flow to values that fit the fields of a model, whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record.faults import Fault, places, without
from active_data_flow.connectors.active_record.fields import ModelField
from active_data_flow.connectors.sql.types import as_json, is_nested
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.kernels import pc
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.core.schema import cast_batch

_UUID = "^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$"


@dataclass(frozen=True, slots=True)
class Zones:
    """Time zones.

    Attributes:
        project: Of moments without one; None where the project uses no zones.
        database: Of moments that the database keeps without one.
    """

    project: str | None
    database: str


class Conversion:
    """Turns batches of one schema into values of a model's fields.

    Args:
        model: Name of the model, for errors.
        schema: Schema of the batches.
        fields: The fields that its columns fill.
        unknown: The columns that the model has no field for.
        zones: Time zones.
        contract: What to do about columns and values that don't fit.
        reject: Gets the records that don't fit.

    Raises:
        SchemaError: The model has no field for a column, and the contract is neither to freeze nor to discard.
    """

    def __init__(
        self,
        model: str,
        schema: pa.Schema,
        fields: Sequence[ModelField],
        unknown: Sequence[str],
        zones: Zones,
        contract: SchemaContract,
        reject: Callable[[Reject], None],
    ) -> None:
        self.fields = tuple(fields)
        self._unknown = tuple(unknown)
        self._zones = zones
        self._contract = contract
        self._reject = reject
        self._target = pa.schema([pa.field(f.name, _type(f, schema.field(f.name).type)) for f in self.fields])
        _refuse_twins(model, self.fields)
        if unknown and contract.column in (Drift.EVOLVE, Drift.FAIL):
            message = (
                f"model {model} has no field for {', '.join(unknown)}; add one and migrate, leave the column out with "
                "a select transform, or let the contract discard columns"
            )
            raise SchemaError(message)

    def convert(self, batch: Batch) -> Batch:
        """The batch in the types of the fields, without the records that don't fit, which are rejected.

        Raises:
            SchemaError: A value doesn't fit, and the contract is to fail.
        """
        batch = self._without_unknown(replace(batch, rejects=()))
        data = batch.data.select([field.name for field in self.fields])
        arrays = [
            self._prepared(array, field, wanted.type)
            for array, field, wanted in zip(data.columns, self.fields, self._target, strict=True)
        ]
        batch = batch.with_data(pa.record_batch(arrays, data.schema.names))
        drift = Drift.FREEZE if self._contract.type is Drift.EVOLVE else self._contract.type
        batch = _with_uuids(cast_batch(batch, self._target, stage="write", drift=drift), self.fields)
        for reject in batch.rejects:
            self._reject(reject)
        return replace(batch, rejects=())

    def _prepared(self, array: pa.Array, field: ModelField, wanted: pa.DataType) -> pa.Array:
        """What a cast does not do as Django does it: nested values as JSON, moments in the project's zone."""
        if pa.types.is_string(wanted) and is_nested(array.type):
            return as_json(array)
        if pa.types.is_timestamp(wanted) and pa.types.is_timestamp(array.type):
            return in_zone(array, wanted, self._zones.project or self._zones.database)
        return array

    def _without_unknown(self, batch: Batch) -> Batch:
        if self._contract.column is not Drift.FREEZE:
            return batch
        faults: dict[int, Fault] = {}
        for name in self._unknown:
            reason = f"the model has no field {name}, and the contract freezes its columns"
            for row in places(pc.is_valid(batch.data.column(name))):
                faults.setdefault(row, Fault(reason, name, "SchemaError"))
        return without(batch, faults)


def in_zone(array: pa.Array, wanted: pa.DataType, zone: str) -> pa.Array:
    """Moments with or without a zone, as wanted: those without are in `zone`."""
    if (wanted.tz is None) == (array.type.tz is None):
        return array
    if wanted.tz is None:
        return pc.local_timestamp(array.cast(pa.timestamp(array.type.unit, zone)))
    if zone == "UTC":
        return array.cast(pa.timestamp(array.type.unit, "UTC"))
    moments = pc.assume_timezone(array, zone, ambiguous="earliest", nonexistent="earliest")
    return moments.cast(pa.timestamp(array.type.unit, "UTC"))


def check_required(label: str, missing: Sequence[Any], has: Sequence[str]) -> None:
    """Refuse data without a column that new rows need.

    Raises:
        SinkError: It names the columns.
    """
    if missing:
        names = ", ".join(str(field.attname) for field in missing)
        message = f"model {label} needs a value for {names}, but the data has no such column; it has {', '.join(has)}"
        raise SinkError(message)


def _type(field: ModelField, given: pa.DataType) -> pa.DataType:
    return given if field.type is None else field.type


def _with_uuids(batch: Batch, fields: Sequence[ModelField]) -> Batch:
    """UUIDs are texts here, all in one form; those that are none are rejected."""
    for field in fields:
        if field.kind != "UUIDField" or field.reference:
            continue
        values = pc.utf8_lower(pc.replace_substring(batch.data.column(field.name), "-", ""))
        wrong = places(pc.fill_null(pc.invert(pc.match_substring_regex(values, _UUID)), fill_value=False))
        place = batch.data.schema.get_field_index(field.name)
        texts = pc.replace_substring_regex(values, _UUID, r"\1-\2-\3-\4-\5")
        reasons = {row: f"{field.name}: {batch.data.column(place)[row].as_py()!r} is no UUID" for row in wrong}
        batch = batch.with_data(batch.data.set_column(place, field.name, texts))
        batch = without(batch, {row: Fault(reason, field.name) for row, reason in reasons.items()})
    return batch


def _refuse_twins(model: str, fields: Sequence[ModelField]) -> None:
    attributes = [field.attribute for field in fields]
    twins = [field.name for field in fields if attributes.count(field.attribute) > 1]
    if twins:
        message = f"the data has several columns {', '.join(twins)} for one field of {model}; leave all but one out"
        raise SinkError(message)


__all__ = ["Conversion", "Zones", "check_required", "in_zone"]
