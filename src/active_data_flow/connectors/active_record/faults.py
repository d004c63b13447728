"""Records that can't be written, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from active_data_flow.connectors.active_record.fields import ModelField
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.columns import records_of
from active_data_flow.core.kernels import pc


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record can't be written.

    Attributes:
        text: The reason; of several fields one after the other.
        field: Name of the field at fault in the data, where it is one.
        error_type: Class name of the error.
        cause: The exception, where code of the user's raised it.
    """

    text: str
    field: str | None = None
    error_type: str = "RecordError"
    cause: Exception | None = None


Faults = Mapping[int, Fault]
"""Row of a batch -> why it can't be written."""


def zero_key(field: ModelField) -> Fault:
    """Of a record whose key the database would take for none."""
    label = field.field.model._meta.label
    return Fault(f"{label}: {field.name}: the database takes 0 for a key that it is to give", field.name)


def rejects_of(batch: Batch, faults: Faults) -> tuple[Reject, ...]:
    """The rows at fault as rejected records."""
    rows = sorted(faults)
    return tuple(
        Reject(record, fault.text, fault.error_type, "write", batch.split_id, batch.position, fault.field, fault.cause)
        for record, fault in zip(records_of(batch.data, rows), [faults[row] for row in rows], strict=True)
    )


def without(batch: Batch, faults: Faults) -> Batch:
    """The batch without the rows at fault, which become rejects of it."""
    if not faults:
        return batch
    rejects = batch.rejects + rejects_of(batch, faults)
    return replace(batch.filter(mask_without(batch.num_rows, faults)), rejects=rejects)


def mask_without(rows: int, faults: Faults) -> pa.BooleanArray:
    """True for the rows that have no fault."""
    return pa.array([row not in faults for row in range(rows)], pa.bool_())


def places(mask: pa.Array) -> list[int]:
    """Numbers of the rows for which a mask is true."""
    return pc.indices_nonzero(mask).to_pylist()


__all__ = ["Fault", "Faults", "mask_without", "places", "rejects_of", "without", "zero_key"]
