"""Rows made to fit the columns of a file, as the flow's schema contract says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from active_data_flow.connectors.file.writers.csv import CsvEncoder
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.errors import SchemaError
from active_data_flow.core.kernels import pc
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.core.schema import cast_batch


@dataclass(frozen=True, slots=True)
class Fitting:
    """How rows are made to fit.

    Attributes:
        contract: What to do where they don't.
        named: Whether all rows of a file have the same columns; those of JSON are free.
        typed: Whether the format keeps types; text formats keep names only.
        place: The file or directory, for errors.
        reject: Takes records that can't be used.
    """

    contract: SchemaContract
    named: bool
    typed: bool
    place: str
    reject: Callable[[Reject], None]

    def same_file(self, known: pa.Schema, schema: pa.Schema) -> bool:
        """Whether rows of `schema` may follow rows of `known` in one file."""
        return not self.named or (schema.equals(known) if self.typed else schema.names == known.names)

    def columns_of(self, schema: pa.Schema) -> pa.Schema:
        """The columns of a new file: nullable, without metadata; a column of nulls alone is kept as text."""
        plain = [pa.field(field.name, pa.string() if pa.types.is_null(field.type) else field.type) for field in schema]
        return pa.schema(plain)

    def evolved(self, known: pa.Schema, schema: pa.Schema) -> pa.Schema:
        """The columns of the next file, for a place that can have files of different columns."""
        if not self.named:
            return schema
        fields = {field.name: field for field in known}
        for field in self.columns_of(schema):
            if field.name not in fields:
                if self.contract.column is Drift.EVOLVE:
                    fields[field.name] = field
            elif self.typed and self.contract.type is Drift.EVOLVE:
                fields[field.name] = _widened(fields[field.name], field)
        return pa.schema(list(fields.values()))

    def fit(self, batch: Batch, known: pa.Schema, *, strict: bool = False) -> Batch:
        """The rows with exactly the known columns, in their order; a column that is missing is null.

        Args:
            batch: Rows.
            known: The file's columns.
            strict: A missing column is an error, as in a file that another program has written.

        Raises:
            SchemaError: Columns don't fit and the contract wants the run to stop (or the file to change, which
                a file that is appended to can't).
        """
        data = batch.data
        if not self.named or data.schema.equals(known) or (not self.typed and data.schema.names == known.names):
            return batch
        self._check(data.schema, known, strict=strict)
        batch = self._without_unknown(replace(batch, rejects=()), known)
        columns = [_column(batch.data, field) for field in known]
        if not self.typed:
            return batch.with_data(pa.RecordBatch.from_arrays(columns, names=known.names))
        if all(column.type == field.type for column, field in zip(columns, known, strict=True)):
            return batch.with_data(pa.RecordBatch.from_arrays(columns, schema=known))
        return self._cast(batch.with_data(pa.RecordBatch.from_arrays(columns, names=known.names)), known)

    def _check(self, schema: pa.Schema, known: pa.Schema, *, strict: bool) -> None:
        unknown = [name for name in schema.names if name not in known.names]
        missing = [name for name in known.names if name not in schema.names]
        stops = unknown and self.contract.column in (Drift.EVOLVE, Drift.FAIL)
        if not stops and not (strict and missing):
            return
        faults = [f"the data has {_listed(unknown)}, which the file has not"] if unknown else []
        faults += [f"the file has {_listed(missing)}, which the data has not"] if missing else []
        message = (
            f"{self.place} has the columns {_listed(known.names)}, and rows are appended to it: {'; '.join(faults)}. "
            "Select or rename the columns, write to another file, or write rolled files into a directory"
        )
        raise SchemaError(message)

    def _without_unknown(self, batch: Batch, known: pa.Schema) -> Batch:
        if self.contract.column is not Drift.FREEZE:
            return batch
        for name in batch.data.schema.names:
            if name not in known.names:
                rows = pc.indices_nonzero(batch.data.column(name).is_valid()).to_pylist()
                reason = f"{self.place} has no column {name}, and its columns are frozen"
                batch = self._rejected(
                    batch.reject(
                        dict.fromkeys(rows, reason), stage="write", error_type=SchemaError.__name__, field=name
                    )
                )
        return batch

    def _cast(self, batch: Batch, known: pa.Schema) -> Batch:
        drift = Drift.FREEZE if self.contract.type is Drift.EVOLVE else self.contract.type
        return self._rejected(cast_batch(batch, known, stage="write", drift=drift))

    def _rejected(self, batch: Batch) -> Batch:
        for reject in batch.rejects:
            self.reject(reject)
        return replace(batch, rejects=())


class _Rows(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...


def write_rows(part: _Rows, batch: Batch, encoder: object, fitting: Fitting) -> None:
    """Write rows; those with a character that the file's encoding doesn't have are rejected one by one."""
    try:
        part.write(batch.data)
    except UnicodeEncodeError as error:
        if not isinstance(encoder, CsvEncoder):
            raise
        good = set(encoder.encodable(batch.data))
        reason = f"{fitting.place} is written as {error.encoding}, which doesn't have a character of this record"
        bad = {row: reason for row in range(batch.num_rows) if row not in good}
        rest = replace(batch, rejects=()).reject(bad, stage="write", error_type=type(error).__name__)
        for reject in rest.rejects:
            fitting.reject(reject)
        part.write(rest.data)


def names_only(names: Sequence[str]) -> pa.Schema:
    """Columns of which only the names are known."""
    return pa.schema([pa.field(name, pa.string()) for name in names])


def _column(data: pa.RecordBatch, field: pa.Field) -> pa.Array:
    index = data.schema.get_field_index(field.name)
    return data.column(index) if index >= 0 else pa.nulls(data.num_rows, field.type)


def _widened(known: pa.Field, field: pa.Field) -> pa.Field:
    try:
        return pa.unify_schemas([pa.schema([known]), pa.schema([field])], promote_options="permissive").field(0)
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return known


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown}, … ({len(names)})" if len(names) > 20 else shown or "none"


__all__ = ["Fitting", "names_only", "write_rows"]
