"""Rows into the database in large pieces; a refused piece is taken apart until only its bad rows are left out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from active_data_flow.connectors.sql.client import RefusedRowsError
from active_data_flow.connectors.sql.conversion import Converted
from active_data_flow.connectors.sql.dialects import Column, Dialect, Merge
from active_data_flow.connectors.sql.dialects.dialect import ROW
from active_data_flow.connectors.sql.sink_configuration import Target
from active_data_flow.core.batch import Batch, Position, Reject

_STAGE = "_adf_stage"
Refuse = Callable[[Reject], None]


@dataclass(frozen=True, slots=True)
class _Origin:
    first_row: int
    split_id: str
    position: Position
    batch: Batch | None


@dataclass(frozen=True, slots=True)
class Load:
    """Rows that are ready to be sent.

    Attributes:
        pieces: Where they come from.
        rows: All of them.
        laid_out: The same as the session sends them.
    """

    pieces: Sequence[Converted]
    rows: pa.Table
    laid_out: Any


class Loader:
    """Moves rows into the table within the session's transaction: straight, or through a staging table.

    They go through a staging table where rows are merged by key, and where a column's type needs a cast by the
    database.
    Staged rows are merged at `finish`, so that locks on rows of the table are held for a short time only.

    Args:
        dialect: The database's.
        target: The table, and what is done with rows.
        columns: Columns that are filled.
        reject: Gets the rows that the database refuses.
        keep: Keep the batches of staged rows till they are merged, so that rejects show the records as they came;
            else they show what is in the staging table.
    """

    def __init__(
        self, dialect: Dialect, target: Target, columns: Sequence[Column], reject: Refuse, *, keep: bool = False
    ) -> None:
        self._dialect = dialect
        self._session = dialect.session
        self._target = target
        self._columns = tuple(columns)
        self._reject = reject
        self._keep = keep
        self._quoted = self._session.quote(target.namespace, target.written)
        self._stage: str | None = None
        self._origins: list[_Origin] = []
        self._staged = 0

    @property
    def staging(self) -> bool:
        """Whether rows go through a staging table."""
        return self._target.mode == "upsert" or not all(map(self._dialect.ingests, self._columns))

    def make_ready(self, pieces: Sequence[Converted]) -> Load:
        """Rows as they are sent; the session may be at work meanwhile."""
        rows = pa.Table.from_batches([piece.rows for piece in pieces])
        if self.staging:
            rows = self._numbered(rows, pieces)
        return Load(pieces, rows, self._session.lay_out(rows))

    def load(self, load: Load) -> None:
        """Hand rows to the database; those that it refuses are rejected one by one.

        Raises:
            SinkUnavailableError, SinkError: As the session does.
        """
        if self.staging and self._stage is None:
            self._stage = self._dialect.create_stage(_STAGE, self._columns, self._quoted)
        waiting = deque([(0, load.rows.num_rows)])
        laid_out = load.laid_out
        while waiting:
            low, high = waiting.popleft()
            try:
                with self._savepoint():
                    rows = load.rows.slice(low, high - low)
                    self._ingest(self._session.lay_out(rows) if laid_out is None else laid_out)
            except RefusedRowsError as error:
                if high - low == 1:
                    self._reject_row(load.pieces, low, error)
                else:
                    waiting.extendleft(reversed(_parts(low, high, error.failure.row)))
            laid_out = None  # only the first try is all of them

    def finish(self) -> None:
        """Merge what is staged; afterwards all rows are in the table."""
        if self._stage is None or not self._staged:
            return
        self._merge(self._stage)
        self._dialect.clear_stage(self._stage)
        self._origins.clear()
        self._staged = 0

    def _numbered(self, rows: pa.Table, pieces: Sequence[Converted]) -> pa.Table:
        first = self._staged
        for piece in pieces:
            batch = piece.batch
            self._origins.append(_Origin(self._staged, batch.split_id, batch.position, batch if self._keep else None))
            self._staged += piece.rows.num_rows
        numbers = pa.array(np.arange(first, self._staged, dtype=np.int64))
        return rows.append_column(ROW, numbers)

    def _ingest(self, laid_out: Any) -> None:
        if self._stage is not None:
            self._session.ingest(_STAGE, laid_out, temporary=True)
        else:
            self._session.ingest(self._target.written, laid_out, namespace=self._target.namespace)

    def _reject_row(self, pieces: Sequence[Converted], row: int, error: RefusedRowsError) -> None:
        batch, offset = _piece_of(pieces, row)
        record = batch.data.slice(offset, 1).to_pylist()[0]
        self._reject(_rejected(record, batch.split_id, batch.position, error))

    def _merge(self, stage: str) -> None:
        merge = self._plan_merge(stage)
        waiting = deque([(0, self._staged)])
        while waiting:
            low, high = waiting.popleft()
            try:
                with self._savepoint():
                    self._session.execute(self._dialect.merge(merge, f"{ROW} >= {low} AND {ROW} < {high}"))
            except RefusedRowsError as error:
                if high - low == 1:
                    self._reject_staged(merge, low, error)
                else:
                    waiting.extendleft(reversed(_parts(low, high, None)))

    def _plan_merge(self, stage: str) -> Merge:
        if self._target.mode != "upsert":
            return Merge(self._quoted, stage, self._columns)
        fold = str.casefold if self._dialect.fold_case else str
        keys = {fold(name) for name in self._target.unique_by}
        only = None if self._target.update_only is None else {fold(name) for name in self._target.update_only}
        names = [column.name for column in self._columns if fold(column.name) not in keys]
        updated = tuple(name for name in names if only is None or fold(name) in only)
        key_names = tuple(column.name for column in self._columns if fold(column.name) in keys)
        return Merge(self._quoted, stage, self._columns, key_names, updated)

    def _reject_staged(self, merge: Merge, row: int, error: RefusedRowsError) -> None:
        names = self._dialect.names(self._columns)
        found = self._session.fetch(f"SELECT {names} FROM {merge.stage} WHERE {ROW} = {row}")  # noqa: S608  # names are quoted
        if not found:
            return  # it was refused on its way into the staging table
        origin = max((known for known in self._origins if known.first_row <= row), key=lambda known: known.first_row)
        record = dict(zip([column.name for column in self._columns], found[0], strict=True))
        if origin.batch is not None:
            record = origin.batch.data.slice(row - origin.first_row, 1).to_pylist()[0]
        self._reject(_rejected(record, origin.split_id, origin.position, error))

    @contextmanager
    def _savepoint(self) -> Generator[None]:
        self._session.execute("SAVEPOINT adf_rows")
        try:
            yield
        except RefusedRowsError:
            self._session.execute("ROLLBACK TO SAVEPOINT adf_rows")
            raise
        self._session.execute("RELEASE SAVEPOINT adf_rows")


def _parts(low: int, high: int, bad: int | None) -> list[tuple[int, int]]:
    """Ranges to try one by one: around the bad row where it is known, else the two halves."""
    if bad is None or not 0 <= bad < high - low:
        middle = (low + high) // 2
        return [(low, middle), (middle, high)]
    ranges = [(low, low + bad), (low + bad, low + bad + 1), (low + bad + 1, high)]
    return [(first, last) for first, last in ranges if first < last]


def _piece_of(pieces: Sequence[Converted], row: int) -> tuple[Batch, int]:
    for piece in pieces:
        if row < piece.rows.num_rows:
            return piece.batch, row
        row -= piece.rows.num_rows
    raise IndexError(row)


def _rejected(record: dict[str, object], split_id: str, position: Position, error: RefusedRowsError) -> Reject:
    failure = error.failure
    return Reject(record, failure.text, "RefusedRowsError", "write", split_id, position, failure.column)


__all__ = ["Loader", "Refuse"]
