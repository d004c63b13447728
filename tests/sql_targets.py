"""A sink under test with the database behind it: writers, rejects, and a look at the tables."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql import SqlSink
from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.writer import SqlWriter
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint, SplitState
from active_data_flow.core.policies import SchemaContract
from active_data_flow.core.sink import WriterContext

FLOW = "flights"


def batch(rows: Sequence[Mapping[str, Any]] | pa.RecordBatch, split: str = "a", position: Any = None) -> Batch:
    """Rows of a split."""
    data = rows if isinstance(rows, pa.RecordBatch) else pa.RecordBatch.from_pylist([dict(row) for row in rows])
    return Batch(data, split, position, records_read=data.num_rows)


def checkpoint(epoch: int, **positions: Any) -> Checkpoint:
    """Positions of splits."""
    return Checkpoint(epoch, {name: SplitState({"id": name}, position) for name, position in positions.items()})


@dataclass
class Database:
    """A database of the test's own."""

    url: str
    rejects: list[Reject] = field(default_factory=list)

    @property
    def dialect(self) -> str:
        return Address.parse(self.url, "sink").dialect

    def sink(self, table: str = "t", **options: Any) -> SqlSink:
        return SqlSink(url=self.url, table=table, timeout=5, **options)

    def open(self, sink: SqlSink, *, epoch: int = 1, contract: SchemaContract | None = None) -> SqlWriter:
        writer = sink.open(
            WriterContext(FLOW, epoch, contract=contract or SchemaContract(), reject=self.rejects.append)
        )
        assert isinstance(writer, SqlWriter)
        return writer

    def claim(self, sink: SqlSink, *, epoch: int = 1, contract: SchemaContract | None = None) -> SqlWriter:
        """A writer that has taken over the flow."""
        writer = self.open(sink, epoch=epoch, contract=contract)
        writer.restore()
        return writer

    def write(self, sink: SqlSink, *batches: Batch, contract: SchemaContract | None = None) -> None:
        """Write and commit batches as a run does."""
        with contextlib.closing(self.open(sink, contract=contract)) as writer:
            restored = writer.restore()
            epoch = restored.epoch if restored is not None else 1
            for each in batches:
                writer.write(each)
            writer.commit(checkpoint(epoch, a=len(batches)))

    def execute(self, *statements: str) -> None:
        with connect(Address.parse(self.url, "sink")) as session:
            for statement in statements:
                session.execute(statement.replace('"', "`") if self.dialect == "mysql" else statement)

    def rows(self, query: str = "SELECT * FROM t ORDER BY 1") -> list[tuple[Any, ...]]:
        with connect(Address.parse(self.url, "sink")) as session:
            return session.fetch(query)


def reasons(database: Database) -> list[str]:
    """Why records were rejected."""
    return [reject.error for reject in database.rejects]


__all__ = ["FLOW", "Database", "batch", "checkpoint", "reasons"]
