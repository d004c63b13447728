"""SQLite through the standard library, for processes that also use it for the same file (Django does).

Two builds of SQLite in one process must not open the same file: the locks of one are lost when the other closes it.
"""

from __future__ import annotations

import decimal
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from typing_extensions import override

from active_data_flow.connectors.sql.client.address import Address
from active_data_flow.connectors.sql.client.failures import error_for, passed_on, sqlite_failure
from active_data_flow.connectors.sql.client.rows import RowStream, python_rows
from active_data_flow.connectors.sql.client.session import Parameters, Session, Stream
from active_data_flow.core.errors import SinkError, SourceError


class PysqliteSession(Session):
    """SQLite. What was committed survives a killed process and a power cut (write-ahead log, synchronous FULL)."""

    def __init__(self, address: Address, *, timeout: float, read_only: bool) -> None:
        self.address = address
        self.timeout = timeout
        mode = "ro" if read_only else "rwc"
        path = str(address.path.absolute()).replace("?", "%3f").replace("#", "%23")
        with self._errors():
            self._connection = sqlite3.connect(
                f"file:{path}?mode={mode}", uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
            )
        if not read_only:
            self.fetch("PRAGMA journal_mode = WAL")
            self.execute("PRAGMA synchronous = FULL")

    @override
    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self._errors():
            return self._connection.execute(sql, [_plain(value) for value in parameters]).rowcount

    @override
    def execute_many(self, sql: str, rows: pa.RecordBatch) -> None:
        with self._errors():
            self._connection.executemany(sql, python_rows(rows))

    @override
    def stream(self, sql: str, parameters: Parameters = ()) -> Stream:
        with self._errors():
            cursor = self._connection.execute(sql, [_plain(value) for value in parameters])
        names = [column[0] for column in cursor.description or ()]
        return RowStream(names, [None] * len(names), cursor.fetchmany, cursor.close, self._errors)

    @override
    def ingest(
        self, table: str, laid_out: pa.RecordBatchReader, *, namespace: str | None = None, temporary: bool = False
    ) -> None:
        names = laid_out.schema.names
        columns = ", ".join(self.quote(name) for name in names)
        places = ", ".join("?" for _ in names)
        target = self.quote("temp" if temporary else namespace, table)
        insert = f"INSERT INTO {target} ({columns}) VALUES ({places})"  # noqa: S608  # names are quoted
        with self._errors():
            for batch in laid_out:
                self._connection.executemany(insert, python_rows(batch))

    @override
    def close(self) -> None:
        with passed_on((SinkError, SourceError)):
            self.rollback()
        self._connection.close()

    @override
    def rollback(self) -> None:
        try:
            super().rollback()
        except sqlite3.ProgrammingError:
            return  # closed before

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except (sqlite3.Error, OverflowError) as error:
            raise error_for(sqlite_failure(str(error)), self.address) from error


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, decimal.Decimal) else value


__all__ = ["PysqliteSession"]
