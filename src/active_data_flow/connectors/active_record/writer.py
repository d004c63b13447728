"""The sink, open: rows and positions in one transaction of the model's database."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.active_record.client.lookups import References
from active_data_flow.connectors.active_record.client.place import Place
from active_data_flow.connectors.active_record.client.rows import Rows
from active_data_flow.connectors.active_record.conversion import Conversion
from active_data_flow.connectors.sql.client.failures import passed_on
from active_data_flow.connectors.sql.positions import Positions
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint
from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.sink import TransactionalWriter, WriterContext


class ActiveRecordWriter(TransactionalWriter):
    """Writes rows within one transaction from commit to commit.

    Args:
        place: The model in its database, open.
        rows_of: Gives the way in which rows get into the table; it takes what rejects records.
        context: What the engine says.
    """

    def __init__(
        self, place: Place, rows_of: Callable[[Callable[[Reject], None]], Rows], context: WriterContext
    ) -> None:
        self._place = place
        self._session = place.session
        self._rows = rows_of(self._reject)
        self._context = context
        self._rejected = False
        self._epoch = context.epoch
        self._positions = Positions(place.dialect, None, context.flow)
        self._schema: pa.Schema | None = None
        self._conversion: Any = None
        self._references: Any = None

    def restore(self) -> Checkpoint | None:
        """Take over the flow; see `TransactionalWriter.restore`."""
        self._positions.create()
        self._session.begin()
        known = self._positions.epoch()
        self._epoch = self._positions.claim(self._context.epoch)
        splits = self._positions.load()
        self._session.commit()
        return None if known is None and not splits else Checkpoint(self._epoch, splits)

    def write(self, batch: Batch) -> None:
        """Take the rows; they go to the database when enough of them are there."""
        if batch.num_rows == 0:
            return
        if batch.data.schema != self._schema:
            self._prepare(batch.data.schema)
        batch = self._conversion.convert(batch)
        columns = {field.attribute: batch.data.column(field.name) for field in self._conversion.fields}
        if self._references.needed:
            self._rows.settle()
            batch, columns = self._references.resolve(batch, columns)
            for reject in batch.rejects:
                self._context.reject(reject)
        if batch.num_rows:
            self._rows.write(Batch(batch.data, batch.split_id, batch.position), columns)

    def flush(self) -> None:
        """Hand all rows to the database; those that it refuses have been rejected when this returns."""
        self._rows.flush()

    def commit(self, checkpoint: Checkpoint) -> None:
        """Commit rows and positions; see `TransactionalWriter.commit`."""
        self.flush()
        if not self._session.in_transaction:
            self._session.begin()
        try:
            self._positions.check_fence(self._epoch)
            self._positions.save(checkpoint.splits, self._epoch)
            self._session.commit()
        except BaseException:
            self.close()
            raise
        self._rows.committed()
        self._rejected = False

    @contextmanager
    def transaction(self) -> Generator[None]:
        """The writer's transaction, as the one that Django's ORM uses in this thread."""
        if not self._session.in_transaction:
            self._session.begin()
        with self._session.bound():
            yield

    def publish(self) -> None:
        """Commit rows without positions: for single messages that are written outside of a run."""
        self.flush()
        if self._session.in_transaction:
            self._session.commit()

    def close(self) -> None:
        """Roll back what was not committed, and disconnect."""
        with passed_on((ActiveDataFlowError,)):  # what is being loaded is rolled back
            self._rows.close()
        self._session.close()

    def _reject(self, reject: Reject) -> None:
        """Reject a record that the database or the model refuses.

        Of a run that has been superseded it is refused because the newer run has written it already: that is no fault
        of the record's.
        """
        if self._context.flow and not self._rejected:
            self._positions.check_newest(self._epoch)
            self._rejected = True
        self._context.reject(reject)

    def _prepare(self, schema: pa.Schema) -> None:
        self._rows.flush()
        fields, unknown = self._place.fields(schema.names)
        self._conversion = Conversion(
            self._place.label, schema, fields, unknown, self._place.zones, self._context.contract, self._context.reject
        )
        columns = self._place.columns_for(fields, schema.names)
        self._references = References(self._session, self._place.label, fields, check=self._place.checks_references)
        self._rows.prepare(fields, columns)
        self._schema = schema


__all__ = ["ActiveRecordWriter"]
