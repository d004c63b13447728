"""A SELECT on each batch."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import TransformError
from active_data_flow.core.transform import Step, Transform, TransformContext
from active_data_flow.transforms.client import Session, ValueFailure
from active_data_flow.transforms.isolation import isolate


class Sql(Transform):
    """A SELECT, in DuckDB's SQL, on each batch by itself; the rows are in the table ``batch``.

    What looks at several rows (aggregates, windows, DISTINCT, ORDER BY, LIMIT, joins) looks at those of one batch, and
    how the source's records fall into batches is no promise; use it for work on single rows. Where the query does look
    at single rows only - its plan scans the batch once, projects, filters and unnests - a row whose values make it fail
    becomes a reject; in any other query such a row fails the run.

    Columns that pass through keep their exact types (zones, dictionaries, units). Null is allowed in all columns.

    Example:
        >>> Sql(query="select *, air_time / 60.0 as air_hours from batch").type
        'sql'
    """

    type: ClassVar[str] = "sql"
    capabilities: ClassVar[frozenset[str]] = frozenset({"vectorised", "sql"})

    query: str = Field(min_length=1)
    """The statement; it reads ``from batch``."""

    def open(self, context: TransformContext) -> Step:
        """A step with a DuckDB of its own.

        Raises:
            TransformError: The query is not one SELECT statement.
        """
        return _SqlStep(self.query.strip().removesuffix(";"))

    def check(self) -> list[str]:
        """Parse the query."""
        self.open(TransformContext()).close()
        return ["sql: the query is one SELECT"]


class _SqlStep(Step):
    def __init__(self, query: str) -> None:
        self._query = query
        self._session = Session("sql", query)
        self._session.check(query)
        self._schemas: tuple[pa.Schema, pa.Schema] | None = None
        self._kept: tuple[pa.Schema, bool] | None = None

    def apply(self, batch: Batch) -> Batch:
        try:
            result = self._run(batch.data)
        except ValueFailure as failure:
            if not self._keeps_rows(batch.data):
                message = (
                    f"sql: {failure}; the query looks at several rows, so no single one can be rejected: use try_cast"
                    f" or filter such rows first; in: {self._query}"
                )
                raise TransformError(message) from failure
            return self._by_parts(batch)
        return self._with_rows(batch, result)

    def close(self) -> None:
        self._session.close()

    def _with_rows(self, batch: Batch, rows: pa.RecordBatch) -> Batch:
        changed = batch.with_data(rows)
        if changed.metadata is not None and not self._keeps_rows(batch.data):
            return replace(changed, metadata=None)  # the rows may be others, or in another order
        return changed

    def _keeps_rows(self, data: pa.RecordBatch) -> bool:
        schema = data.schema
        if self._kept is None or not self._kept[0].equals(schema):
            self._kept = (schema, self._session.is_row_wise(data, self._query))
        return self._kept[1]

    def _run(self, data: pa.RecordBatch) -> pa.RecordBatch:
        table = self._restored(self._session.query(data, self._query), data)
        batches = table.combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)

    def _by_parts(self, batch: Batch) -> Batch:
        faults: dict[int, str] = {}
        parts: list[pa.RecordBatch] = []
        for row, result in isolate(batch.data, self._run):
            if isinstance(result, str):
                faults[row] = f"sql: {result}"
            else:
                parts.append(result)
        kept = batch.reject(faults, stage="transform", error_type=TransformError.__name__)
        parts = parts or [self._run(batch.data.slice(0, 0))]
        return kept.with_data(pa.concat_batches(parts))

    def _restored(self, table: pa.Table, data: pa.RecordBatch) -> pa.Table:
        """Columns that pass through, with the types that they had before DuckDB saw them."""
        before, through = self._types(data)
        fields: list[pa.Field] = []
        for field in table.schema:
            known = before.get_all_field_indices(field.name)
            same = len(known) == 1 and through.field(known[0]).type == field.type
            fields.append(pa.field(field.name, before.field(known[0]).type if same else field.type))
        schema = pa.schema(fields)
        return table if table.schema.equals(schema) else table.cast(schema)

    def _types(self, data: pa.RecordBatch) -> tuple[pa.Schema, pa.Schema]:
        """The schema of the rows, and what DuckDB makes of it."""
        if self._schemas is None or not self._schemas[0].equals(data.schema):
            through = self._session.query(data.slice(0, 0), "SELECT * FROM batch").schema
            self._schemas = (data.schema, through)
        return self._schemas


__all__ = ["Sql"]
