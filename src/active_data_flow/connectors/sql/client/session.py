"""A session: one connection, one transaction at a time, Arrow in and Arrow out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Self

import pyarrow as pa

from active_data_flow.connectors.sql.client.address import Address, DialectName, quoted

Parameters = Sequence[Any]
"""Values for the places that `Session.mark` makes: None, bool, int, float, str, bytes, date, datetime, Decimal."""


class Stream(ABC):
    """The result of a query, a batch at a time; close it, also when it was not read to its end."""

    schema: pa.Schema

    @abstractmethod
    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    @abstractmethod
    def close(self) -> None:
        """Give up what was not read; the session can be used again. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Session(ABC):
    """A connection to a database. Used by one thread at a time.

    Attributes:
        address: Where the database is.
        timeout: Seconds to wait for a connection and for locks.

    Raises:
        SinkUnavailableError, SourceUnavailableError: From any method, for a reason that may pass.
        SinkError, SourceError: From any method, for good.
        RefusedRowsError: From `execute`, `execute_many` and `ingest`: the database refuses values of a row.
    """

    address: Address
    timeout: float
    in_transaction: bool = False

    @property
    def dialect(self) -> DialectName:
        """Which SQL the database speaks."""
        return self.address.dialect

    def mark(self, number: int) -> str:
        """The place of the parameter with that number, from 1, in the text of a statement."""
        return f"${number}" if self.dialect == "postgresql" else f"?{number}"

    def quote(self, *names: str | None) -> str:
        """A name, qualified by those before it that are not None, as an identifier."""
        return ".".join(quoted(name, "`" if self.dialect == "mysql" else '"') for name in names if name is not None)

    @abstractmethod
    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a statement without result; the number of rows that it changed, -1 where it is not known."""

    @abstractmethod
    def execute_many(self, sql: str, rows: pa.RecordBatch) -> None:
        """Run a statement once for each row; columns are the parameters in order."""

    @abstractmethod
    def stream(self, sql: str, parameters: Parameters = ()) -> Stream:
        """Run a query and give its result as it comes."""

    def lay_out(self, rows: pa.Table) -> Any:
        """Rows in the form in which `ingest` sends them, once; the connection may be at work meanwhile."""
        return rows.to_reader()

    @abstractmethod
    def ingest(self, table: str, laid_out: Any, *, namespace: str | None = None, temporary: bool = False) -> None:
        """Append rows to a table the fastest way there is; columns are matched by name, types must fit exactly.

        Args:
            table: The table.
            laid_out: The rows, from `lay_out`.
            namespace: Where the table is.
            temporary: It is a temporary one.
        """

    @abstractmethod
    def close(self) -> None:
        """Roll back and disconnect. May be called twice."""

    def fetch(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a query and give all rows of its small result."""
        with self.stream(sql, parameters) as stream:
            return [
                row for batch in stream for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
            ]

    def begin(self) -> None:
        """Start a transaction; of SQLite one that holds the lock for writing from the start."""
        self.execute("BEGIN IMMEDIATE" if self.dialect == "sqlite" else "BEGIN")
        self.in_transaction = True

    def commit(self) -> None:
        """Make the transaction's changes durable and visible."""
        self.execute("COMMIT")
        self.in_transaction = False

    def rollback(self) -> None:
        """Undo the transaction's changes; nothing happens where there is none."""
        if self.in_transaction:
            self.in_transaction = False
            self.execute("ROLLBACK")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


__all__ = ["Parameters", "Session", "Stream"]
