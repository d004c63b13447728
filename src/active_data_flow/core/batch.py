"""What travels through the engine: an Arrow record batch with the place it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, Literal

import pyarrow as pa

from active_data_flow.core.columns import records_of

Position = Any
"""How far a split has been read: a small value that survives JSON; only its own connector looks inside."""

Stage = Literal["read", "schema", "transform", "write"]


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that could not be used, with all that is needed to look into it and to replay it.

    Attributes:
        record: The record: a mapping where it could be parsed, else the raw text.
        error: Why, naming the place (file, line, byte) and the remedy where there is one.
        error_type: Class name of the error.
        stage: Where in the flow it was rejected.
        split_id: The split it was read from.
        position: The position of the batch it was part of.
        field: The field at fault, where it is one field.
        cause: The exception, for the traceback of a run that it fails; not kept.
        passed: Steps of the flow (the cast to its schema, its transforms, its own code) that the record has been
            through: a replay goes on behind them.
    """

    record: Mapping[str, Any] | str
    error: str
    error_type: str
    stage: Stage
    split_id: str
    position: Position = None
    field: str | None = None
    cause: Exception | None = dataclass_field(default=None, compare=False, repr=False)
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one split and the position after them.

    Attributes:
        data: The rows.
        split_id: The split they were read from.
        position: Position after the last row; committing the batch commits this.
        finished: True where this is the last batch of its split; `data` may be empty.
        metadata: Row-aligned metadata, as a record batch with any of the columns ``key``, ``event_time``,
            ``headers`` and ``position``; never part of the data. None where the source has none.
        rejects: Records of this stretch of the split that could not be used so far.
        records_read: Records read to make this batch, rejected ones included; not changed by transforms.
        bytes_read: Bytes of the source read to make this batch.
        passed: Steps of the flow that the rows have been through already; only in a replay more than none.
    """

    data: pa.RecordBatch
    split_id: str
    position: Position
    finished: bool = False
    metadata: pa.RecordBatch | None = None
    rejects: tuple[Reject, ...] = ()
    records_read: int = 0
    bytes_read: int = 0
    passed: int = 0

    @property
    def num_rows(self) -> int:
        """Rows in the batch, rejects not included."""
        return self.data.num_rows

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the rows refer to."""
        return self.data.nbytes

    def with_data(self, data: pa.RecordBatch, rejects: tuple[Reject, ...] = ()) -> Batch:
        """Other rows in place of these; metadata is kept where the number of rows is the same.

        Args:
            data: The new rows.
            rejects: Rejects to add to those the batch already carries.
        """
        metadata = self.metadata if self.metadata is not None and self.metadata.num_rows == data.num_rows else None
        return replace(self, data=data, metadata=metadata, rejects=self.rejects + rejects)

    def filter(self, mask: pa.BooleanArray) -> Batch:
        """Only the rows where `mask` is true; metadata stays aligned."""
        metadata = None if self.metadata is None else self.metadata.filter(mask)
        return replace(self, data=self.data.filter(mask), metadata=metadata)

    def take(self, indices: pa.Array) -> Batch:
        """The rows at `indices`; metadata stays aligned."""
        metadata = None if self.metadata is None else self.metadata.take(indices)
        return replace(self, data=self.data.take(indices), metadata=metadata)

    def reject(self, rows: Mapping[int, str], *, stage: Stage, error_type: str, field: str | None = None) -> Batch:
        """The batch without some rows, which become rejects.

        Args:
            rows: Row number (0-based) -> reason.
            stage: Where in the flow they are rejected.
            error_type: Class name of the error.
            field: The field at fault.
        """
        if not rows:
            return self
        keep = pa.array([index not in rows for index in range(self.num_rows)], pa.bool_())
        indices = sorted(rows)
        records = records_of(self.data, indices)
        rejects = tuple(
            Reject(record, rows[index], error_type, stage, self.split_id, self.position, field)
            for index, record in zip(indices, records, strict=True)
        )
        kept = self.filter(keep)
        return replace(kept, rejects=self.rejects + rejects)


__all__ = ["Batch", "Position", "Reject", "Stage"]
