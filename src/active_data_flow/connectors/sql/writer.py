"""The sink, open: rows and positions in one transaction of the database."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

import pyarrow as pa

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.client.failures import passed_on
from active_data_flow.connectors.sql.conversion import Conversion, Converted, conversion_for
from active_data_flow.connectors.sql.dialects import Dialect
from active_data_flow.connectors.sql.loading import Loader
from active_data_flow.connectors.sql.positions import Positions
from active_data_flow.connectors.sql.replacing import Replacement
from active_data_flow.connectors.sql.sink_configuration import Target
from active_data_flow.connectors.sql.tables import TargetTable
from active_data_flow.core.background import Background
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint
from active_data_flow.core.errors import ActiveDataFlowError, SinkUnavailableError
from active_data_flow.core.sink import TransactionalWriter, WriterContext

MAX_BYTES = 8 * 2**20
"""Rows of about this size are handed to the database at once, if `batch_size` is not reached before."""


class SqlWriter(TransactionalWriter):
    """Writes rows in pieces, within one transaction from commit to commit.

    The database takes one piece while the next is made ready. Whatever else needs the session waits for that first.
    """

    def __init__(self, session: Session, dialect: Dialect, target: Target, context: WriterContext, rows: int) -> None:
        self._session = session
        self._dialect = dialect
        self._target = target
        self._context = context
        self._epoch = context.epoch
        self._positions = Positions(dialect, target.namespace, context.flow)
        self._table = TargetTable(dialect, target, context.contract, self._changing)
        self._max_rows = rows
        self._pieces: list[Converted] = []
        self._pending_rows = 0
        self._pending_bytes = 0
        self._given: pa.Schema | None = None
        self._conversion: Conversion | None = None
        self._loader: Loader | None = None
        self._loading = Background("adf-load", 2)
        self._refused: deque[Reject] = deque()

    def restore(self) -> Checkpoint | None:
        """Take over the flow; see `TransactionalWriter.restore`."""
        self._positions.create()
        self._session.begin()
        known = self._positions.epoch()
        self._epoch = self._positions.claim(self._context.epoch)
        if self._target.mode == "replace":
            Replacement(self._dialect, self._target, self._positions).reconcile()
        splits = self._positions.load()
        self._session.commit()
        return None if known is None and not splits else Checkpoint(self._epoch, splits)

    def write(self, batch: Batch) -> None:
        """Take the rows; a piece goes to the database when enough of them are there."""
        if batch.num_rows == 0:
            return
        conversion = self._conversion_for(batch)
        piece = conversion.convert(batch)
        if piece is None:
            return
        self._pieces.append(piece)
        self._pending_rows += piece.rows.num_rows
        self._pending_bytes += piece.rows.nbytes
        if self._pending_rows >= self._max_rows or self._pending_bytes >= MAX_BYTES:
            self._load()

    def flush(self) -> None:
        """Hand all rows to the database; those that it refuses have been rejected when this returns."""
        self._load()
        self._settle()
        if self._loader is not None:
            self._loader.finish()
            self._settle()

    def commit(self, checkpoint: Checkpoint) -> None:
        """Commit rows and positions; see `TransactionalWriter.commit`."""
        self.flush()
        self._begin()
        try:
            self._positions.check_fence(self._epoch)
            self._positions.save(checkpoint.splits, self._epoch)
        except BaseException:
            self.close()
            raise
        self._session.commit()

    def publish(self) -> None:
        """Commit rows without positions: for single messages that are written outside of a run."""
        self.flush()
        if self._session.in_transaction:
            self._session.commit()

    def close(self) -> None:
        """Roll back what was not committed, and disconnect."""
        self._pieces.clear()
        self._loader = None
        with passed_on((ActiveDataFlowError,)):  # what is being loaded is rolled back
            self._loading.wait()
        self._session.close()

    def _conversion_for(self, batch: Batch) -> Conversion:
        schema = batch.data.schema
        current = self._conversion
        if current is not None and schema == self._given and not current.columns_to_widen(batch):
            return current
        self.flush()
        conversion = conversion_for(
            self._table, batch, self._dialect, self._context.contract, self._target.unique_by, self._context.reject
        )
        if current is None or conversion.plan.columns != current.plan.columns or self._loader is None:
            self._loader = Loader(self._dialect, self._target, conversion.plan.columns, self._refused.append)
        self._given = schema
        self._conversion = conversion
        return conversion

    def _load(self) -> None:
        if not self._pieces:
            return
        assert self._loader is not None
        load, ready = self._loader.load, self._loader.make_ready(self._pieces)
        self._pieces = []
        self._pending_rows = self._pending_bytes = 0
        if not self._session.in_transaction:
            self._settle()
            self._begin()
        self._hear()
        self._loading.start(lambda: load(ready))

    def _settle(self) -> None:
        """Return when the session is free, and the rows that the database has refused are rejected."""
        self._loading.wait()
        self._hear()

    def _hear(self) -> None:
        """Reject what the database has refused so far, also while it takes other rows."""
        while self._refused:
            self._context.reject(self._refused.popleft())

    def _begin(self) -> None:
        if self._session.in_transaction:
            return
        self._session.begin()
        if self._target.mode == "replace" and self._context.flow:
            self._positions.check_fence(self._epoch)  # a newer run may have taken the new table away

    @contextmanager
    def _changing(self) -> Generator[None]:
        """A scope in which only this writer changes the table.

        Rows that are not committed yet stay so where changes of tables are part of transactions. Where they are not
        (MySQL), a change would commit these rows without their positions: they are given up and written again.
        """
        rows_wait = self._session.in_transaction
        if rows_wait and not self._dialect.transactional_ddl:
            self._session.rollback()
        name = f"{self._target.namespace or ''}.{self._target.table}"
        if not self._session.in_transaction:
            self._session.begin()
        self._dialect.lock_definitions(name)
        yield
        if not rows_wait or not self._dialect.transactional_ddl:
            self._session.commit()
        self._dialect.unlock_definitions()
        if rows_wait and not self._dialect.transactional_ddl:
            message = (
                f"table {self._table.quoted} has been changed to fit the data; "
                "the rows since the last commit are written again"
            )
            raise SinkUnavailableError(message)


__all__ = ["MAX_BYTES", "SqlWriter"]
