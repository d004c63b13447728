"""Keeps the rows for which a condition is true."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import TransformError
from active_data_flow.core.transform import Step, Transform, TransformContext
from active_data_flow.transforms.client import Session, ValueFailure
from active_data_flow.transforms.isolation import isolate


class Filter(Transform):
    """Keeps the rows for which a condition is true; where it is false or null the row is dropped.

    Rows on which the condition can't be worked out (a text that is no number is cast to one) become rejects. Columns
    keep their exact types.

    Example:
        >>> Filter(where="dep_delay > 0 and origin in ('EWR', 'JFK')").where
        "dep_delay > 0 and origin in ('EWR', 'JFK')"
    """

    type: ClassVar[str] = "filter"
    capabilities: ClassVar[frozenset[str]] = frozenset({"vectorised", "row-wise", "sql"})

    where: str = Field(min_length=1)
    """The condition, in DuckDB's SQL, on the columns of one row."""

    def open(self, context: TransformContext) -> Step:
        """A step with a DuckDB of its own.

        Raises:
            TransformError: The condition is not SQL.
        """
        return _FilterStep(self.where)

    def check(self) -> list[str]:
        """Parse the condition."""
        self.open(TransformContext()).close()
        return [f"filter: {self.where} is a condition"]


class _FilterStep(Step):
    def __init__(self, where: str) -> None:
        condition = f"(\n{where}\n)"  # the lines keep a comment at its end from swallowing the rest
        self._where = where
        self._sql = f"SELECT coalesce(CAST({condition} AS BOOLEAN), false) AS keep FROM batch"  # noqa: S608  # SQL is what the option is
        self._failing = f"SELECT TRY({{'value': CAST({condition} AS BOOLEAN)}}) IS NULL AS failing FROM batch"  # noqa: S608  # likewise
        self._session = Session("filter", where)
        self._session.check(self._sql)

    def apply(self, batch: Batch) -> Batch:
        try:
            mask = self._mask(batch.data)
        except ValueFailure:
            batch = self._without_failing(batch)
            mask = self._mask(batch.data)
        return batch if mask.true_count == batch.num_rows else batch.filter(mask)

    def close(self) -> None:
        self._session.close()

    def _mask(self, data: pa.RecordBatch) -> pa.BooleanArray:
        return self._column(data, self._sql)

    def _column(self, data: pa.RecordBatch, sql: str) -> pa.BooleanArray:
        table = self._session.query(data, sql)
        if table.num_rows != data.num_rows:
            raise TransformError(f"filter: the condition is about several rows, not about one; in: {self._where}")
        column = table.column(0).combine_chunks()
        return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column

    def _without_failing(self, batch: Batch) -> Batch:
        suspects = self._suspects(batch.data)
        faults: dict[int, str] = {}
        for row in suspects:
            for _, result in isolate(batch.data.slice(row, 1), self._mask):
                if isinstance(result, str):
                    faults[row] = f"where {self._where}: {result}"
        return batch.reject(faults, stage="transform", error_type=TransformError.__name__)

    def _suspects(self, data: pa.RecordBatch) -> list[int]:
        """The rows on which the condition fails: all at once by TRY, by halves where it can't be used."""
        try:
            failing = self._column(data, self._failing)
        except (TransformError, ValueFailure):
            return [row for row, result in isolate(data, self._mask) if isinstance(result, str)]
        return [row for row, fails in enumerate(failing.to_pylist()) if fails]


__all__ = ["Filter"]
