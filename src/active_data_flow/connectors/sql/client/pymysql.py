"""MySQL and MariaDB through PyMySQL: multi-row INSERTs (LOAD DATA LOCAL would let a server read our files)."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pymysql
from pymysql.constants import CR, ER, FIELD_TYPE
from pymysql.cursors import SSCursor
from typing_extensions import override

from active_data_flow.connectors.sql.client.address import Address
from active_data_flow.connectors.sql.client.failures import RefusedRowsError, error_for, mysql_failure, passed_on
from active_data_flow.connectors.sql.client.rows import RowStream, python_rows
from active_data_flow.connectors.sql.client.session import Parameters, Session, Stream
from active_data_flow.core.errors import SinkError, SourceError
from active_data_flow.core.kernels import pc

_MARK = re.compile("\0([0-9]+)\0")
_BINARY_CHARSET = 63
_STATEMENT_BYTES = 2**18
_TYPES: dict[int, pa.DataType] = {
    FIELD_TYPE.TINY: pa.int64(),
    FIELD_TYPE.SHORT: pa.int64(),
    FIELD_TYPE.INT24: pa.int64(),
    FIELD_TYPE.LONG: pa.int64(),
    FIELD_TYPE.FLOAT: pa.float64(),
    FIELD_TYPE.DOUBLE: pa.float64(),
    FIELD_TYPE.DATE: pa.date32(),
    FIELD_TYPE.NEWDATE: pa.date32(),
    FIELD_TYPE.DATETIME: pa.timestamp("us"),
    FIELD_TYPE.TIMESTAMP: pa.timestamp("us"),
    FIELD_TYPE.TIME: pa.duration("us"),
    FIELD_TYPE.YEAR: pa.int64(),
}
_TEXTUAL = {
    FIELD_TYPE.STRING,
    FIELD_TYPE.VAR_STRING,
    FIELD_TYPE.VARCHAR,
    FIELD_TYPE.BLOB,
    FIELD_TYPE.TINY_BLOB,
    FIELD_TYPE.MEDIUM_BLOB,
    FIELD_TYPE.LONG_BLOB,
    FIELD_TYPE.BIT,
}


class _Connection(pymysql.Connection):
    """Makes the context of TLS once: reading the machine's certificates takes far longer than connecting."""

    _context: ClassVar[Any] = None

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        if _Connection._context is None:
            _Connection._context = super()._create_ssl_ctx(sslp)  # pyright: ignore[reportAttributeAccessIssue]  # no types
        return _Connection._context


class PymysqlSession(Session):
    """MySQL and MariaDB, in strict mode, in UTC, at READ COMMITTED."""

    def __init__(self, address: Address, *, timeout: float, read_only: bool) -> None:
        self.address = address
        self.timeout = timeout
        settings: dict[str, Any] = dict(address.server())
        with self._errors():
            self._connection: Any = _Connection(
                **settings, charset="utf8mb4", autocommit=True, connect_timeout=max(2, int(timeout))
            )
        self.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'")
        self.execute("SET SESSION time_zone = '+00:00'")
        self.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        self.execute(f"SET SESSION innodb_lock_wait_timeout = {max(1, int(timeout))}")
        if read_only:
            self.execute("SET SESSION TRANSACTION READ ONLY")

    @override
    def mark(self, number: int) -> str:
        return f"\0{number}\0"

    @override
    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self._errors(), self._connection.cursor() as cursor:
            return cursor.execute(self._filled(sql, parameters))

    @override
    def execute_many(self, sql: str, rows: pa.RecordBatch) -> None:
        for row in python_rows(rows):
            self.execute(sql, row)

    @override
    def stream(self, sql: str, parameters: Parameters = ()) -> Stream:
        cursor = self._connection.cursor(SSCursor)
        with self._errors():
            cursor.execute(self._filled(sql, parameters))
        fields = cursor._result.fields  # noqa: SLF001  # the description leaves out signs and character sets
        names = [field.name for field in fields]
        return RowStream(names, [_type(field) for field in fields], cursor.fetchmany, cursor.close, self._errors)

    @override
    def ingest(
        self, table: str, laid_out: pa.RecordBatchReader, *, namespace: str | None = None, temporary: bool = False
    ) -> None:
        names = ", ".join(self.quote(name) for name in laid_out.schema.names)
        head = f"INSERT INTO {self.quote(namespace, table)} ({names}) VALUES ".encode()  # noqa: S608  # names are quoted
        done = 0
        for batch in laid_out:
            for tuples, rows in _statements(batch):
                try:
                    with self._errors():
                        self._connection.query(head + tuples)
                except RefusedRowsError as error:
                    raise error.behind(done) from error
                done += rows

    @override
    def close(self) -> None:
        with passed_on((SinkError, SourceError)):
            self.rollback()
        with passed_on((pymysql.Error,)):
            self._connection.close()

    def _filled(self, sql: str, parameters: Parameters) -> str:
        return _MARK.sub(lambda mark: self._connection.escape(parameters[int(mark[1]) - 1]), sql)

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except pymysql.InterfaceError as error:
            failure = mysql_failure(CR.CR_SERVER_GONE_ERROR, f"the connection is closed {error}")
            raise error_for(failure, self.address) from error
        except pymysql.Error as error:
            code = error.args[0] if error.args and isinstance(error.args[0], int) else -1
            text = str(error.args[1] if len(error.args) > 1 else error)
            if "can not be used with MySQL" in text:
                code, text = ER.WARN_DATA_OUT_OF_RANGE, "infinity and NaN can't be stored"
            raise error_for(mysql_failure(code, text), self.address) from error


def _statements(batch: pa.RecordBatch) -> Iterator[tuple[bytes, int]]:
    """What stands behind VALUES, in statements of moderate size, each with its number of rows.

    Literals are made for whole columns at once: twenty times as fast as value by value.
    """
    literals = [_literals(column) for column in batch.columns]
    comma = pa.scalar(b",", pa.binary())
    rows = pc.binary_join_element_wise(*literals, comma, null_handling="replace", null_replacement=b"NULL")
    rows = pc.binary_join_element_wise(pa.scalar(b"("), rows, pa.scalar(b"),"), pa.scalar(b""))
    ends = np.cumsum(pc.binary_length(rows).to_numpy())
    data = memoryview(rows.buffers()[2])
    first, start = 0, 0
    while first < len(rows):
        last = max(first + 1, int(np.searchsorted(ends, start + _STATEMENT_BYTES)))
        yield bytes(data[start : int(ends[last - 1]) - 1]), last - first
        first, start = last, int(ends[last - 1])


def _literals(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string()).cast(pa.binary())
    opening = b"_binary'" if pa.types.is_binary(kind) else b"'"
    text = column if pa.types.is_binary(kind) else column.cast(pa.string()).cast(pa.binary())
    text = pc.replace_substring(text, b"\\", b"\\\\")
    text = pc.replace_substring(text, b"'", b"\\'")
    return pc.binary_join_element_wise(pa.scalar(opening), text, pa.scalar(b"'"), pa.scalar(b""))


def _type(field: Any) -> pa.DataType | None:
    code = int(field.type_code)
    if code == FIELD_TYPE.LONGLONG:
        return pa.uint64() if field.flags & 32 else pa.int64()
    if code in (FIELD_TYPE.DECIMAL, FIELD_TYPE.NEWDECIMAL):
        return pa.decimal128(min(38, field.length), field.scale)
    if code in _TEXTUAL and field.charsetnr == _BINARY_CHARSET:
        return pa.binary()
    return _TYPES.get(code, pa.string())


__all__ = ["PymysqlSession"]
