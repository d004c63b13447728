"""PostgreSQL through psycopg: the way rows go in, by binary COPY, and the way out where ADBC's driver is missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.types.string import TextLoader
from typing_extensions import override

from active_data_flow.connectors.sql.client.address import Address
from active_data_flow.connectors.sql.client.copy_binary import CopyData
from active_data_flow.connectors.sql.client.failures import error_for, passed_on, postgresql_failure
from active_data_flow.connectors.sql.client.rows import RowStream, python_rows
from active_data_flow.connectors.sql.client.session import Parameters, Session, Stream
from active_data_flow.core.errors import SinkError, SourceError

_TYPES: dict[int, pa.DataType] = {
    16: pa.bool_(),
    17: pa.binary(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    26: pa.int64(),
    700: pa.float32(),
    701: pa.float64(),
    1000: pa.list_(pa.bool_()),
    1005: pa.list_(pa.int16()),
    1007: pa.list_(pa.int32()),
    1009: pa.list_(pa.string()),
    1016: pa.list_(pa.int64()),
    1021: pa.list_(pa.float32()),
    1022: pa.list_(pa.float64()),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
}
_AS_TEXT = ("numeric", "json", "jsonb", "uuid", "interval", "inet", "cidr")


class PsycopgSession(Session):
    """PostgreSQL. Types that Arrow doesn't have (numeric, json, uuid …) come out as text."""

    def __init__(self, address: Address, *, timeout: float, read_only: bool) -> None:
        self.address = address
        self.timeout = timeout
        with self._errors():
            self._connection = psycopg.connect(
                address.with_timeouts(timeout),
                autocommit=True,
                prepare_threshold=None,  # a prepared statement would not survive a change of its table, nor a pooler
                cursor_factory=psycopg.RawCursor,
            )
        for name in _AS_TEXT:
            self._connection.adapters.register_loader(name, TextLoader)
        self.execute(f"SET lock_timeout = {int(timeout * 1000)}")
        if read_only:
            self.execute("SET default_transaction_read_only = on")

    @override
    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self._errors():
            return self._connection.execute(sql.encode(), list(parameters) or None).rowcount

    @override
    def execute_many(self, sql: str, rows: pa.RecordBatch) -> None:
        with self._errors(), self._connection.cursor() as cursor:
            cursor.executemany(sql.encode(), [list(row) for row in python_rows(rows)])

    @override
    def stream(self, sql: str, parameters: Parameters = ()) -> Stream:
        cursor = self._connection.cursor()
        with self._errors():
            rows: Any = cursor.stream(sql.encode(), list(parameters) or None)
            first = list(itertools.islice(rows, 1))
        columns = cursor.description or ()
        chain = itertools.chain(first, rows)

        def fetch(number: int) -> list[tuple[Any, ...]]:
            return list(itertools.islice(chain, number))

        def close() -> None:
            rows.close()
            cursor.close()

        types = [_TYPES.get(column.type_code, pa.string()) for column in columns]
        return RowStream([column.name for column in columns], types, fetch, close, self._errors)

    @override
    def lay_out(self, rows: pa.Table) -> CopyData:
        return CopyData.of(rows)

    @override
    def ingest(self, table: str, laid_out: CopyData, *, namespace: str | None = None, temporary: bool = False) -> None:
        target = self.quote("pg_temp" if temporary else namespace, table)
        with self._errors(), self._connection.cursor() as cursor:
            copy_into(cursor, target, laid_out, self.quote)

    @override
    def close(self) -> None:
        if not self._connection.closed:
            with passed_on((SinkError, SourceError)):
                self.rollback()
        self.in_transaction = False
        self._connection.close()

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except psycopg.Error as error:
            context = f"\nCONTEXT:  {error.diag.context}" if error.diag.context else ""
            detail = f"\nDETAIL:  {error.diag.message_detail}" if error.diag.message_detail else ""
            text = f"ERROR: {error.diag.message_primary}{detail}{context}" if error.diag.message_primary else str(error)
            raise error_for(postgresql_failure(text, error.sqlstate), self.address) from error


def copy_into(cursor: Any, target: str, data: CopyData, quote: Callable[[str], str]) -> None:
    """Append rows to a table by binary COPY.

    Args:
        cursor: Of a connection of psycopg.
        target: The table, quoted.
        data: The rows; columns are matched by name, types must fit exactly.
        quote: Quotes the name of a column.
    """
    names = ", ".join(map(quote, data.names))
    with cursor.copy(f"COPY {target} ({names}) FROM STDIN (FORMAT binary)".encode()) as copy:
        for part in data.parts:
            copy.write(part)


__all__ = ["PsycopgSession", "copy_into"]
