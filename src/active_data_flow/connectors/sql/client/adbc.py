"""Sessions through ADBC's low-level API: binary COPY into PostgreSQL, prepared inserts into SQLite, Arrow throughout.

Transactions are begun and ended by statements, with the drivers in autocommit: PostgreSQL's driver can't roll back to
a savepoint otherwise, and SQLite's would begin transactions that get the lock for writing too late.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, ClassVar

import adbc_driver_manager as adbc
import pyarrow as pa
from typing_extensions import override

from active_data_flow.connectors.sql.client.address import Address
from active_data_flow.connectors.sql.client.failures import (
    Failure,
    error_for,
    passed_on,
    postgresql_failure,
    sqlite_failure,
)
from active_data_flow.connectors.sql.client.session import Parameters, Session, Stream
from active_data_flow.core.errors import SinkError, SourceError


class AdbcSession(Session):
    """What both databases have in common."""

    stream_options: ClassVar[dict[str, str]] = {}
    """How large the batches of a result are."""

    def __init__(self, address: Address, *, timeout: float, read_only: bool) -> None:
        self.address = address
        self.timeout = timeout
        self._read_only = read_only
        self._open = ExitStack()
        with self._errors(), ExitStack() as stack:
            self._connection = stack.enter_context(adbc.AdbcConnection(self._database(stack)))
            self._open = stack.pop_all()
        self._prepare()

    @override
    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self._errors(), self._statement(sql, _row(parameters)) as statement:
            return statement.execute_update()

    @override
    def execute_many(self, sql: str, rows: pa.RecordBatch) -> None:
        with self._errors(), self._statement(sql, rows) as statement:
            statement.execute_update()

    @override
    def stream(self, sql: str, parameters: Parameters = ()) -> Stream:
        return _AdbcStream(self, sql, _row(parameters))

    @override
    def ingest(
        self, table: str, laid_out: pa.RecordBatchReader, *, namespace: str | None = None, temporary: bool = False
    ) -> None:
        options = {
            adbc.StatementOptions.INGEST_TARGET_TABLE.value: table,
            adbc.StatementOptions.INGEST_MODE.value: adbc.INGEST_OPTION_MODE_APPEND,
        }
        if temporary:
            options[adbc.StatementOptions.INGEST_TEMPORARY.value] = "true"
        elif namespace is not None:
            options[self._namespace_option()] = namespace
        with self._errors(), adbc.AdbcStatement(self._connection) as statement:
            statement.set_options(**options)
            statement.bind_stream(laid_out)
            statement.execute_update()

    @override
    def close(self) -> None:
        with passed_on((SinkError, SourceError)):
            self.rollback()
        with passed_on((adbc.Error,)):
            self._open.close()

    @contextmanager
    def _statement(self, sql: str, rows: pa.RecordBatch | None) -> Generator[adbc.AdbcStatement]:
        with adbc.AdbcStatement(self._connection) as statement:
            statement.set_sql_query(sql)
            if rows is not None:
                statement.prepare()
                statement.bind_stream(pa.RecordBatchReader.from_batches(rows.schema, [rows]))
            yield statement

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except adbc.Error as error:
            raise error_for(self._failure(error), self.address) from error
        except (pa.ArrowException, OSError) as error:
            # an error while a result is read reaches us through Arrow's stream, as an OSError mostly
            raise error_for(self._stream_failure(str(error)), self.address) from error

    def _database(self, stack: ExitStack) -> adbc.AdbcDatabase:
        return stack.enter_context(adbc.AdbcDatabase(**self._options()))

    def _options(self) -> dict[str, str]:
        raise NotImplementedError

    def _prepare(self) -> None:
        raise NotImplementedError

    def _namespace_option(self) -> str:
        raise NotImplementedError

    def _failure(self, error: adbc.Error) -> Failure:
        raise NotImplementedError

    def _stream_failure(self, text: str) -> Failure:
        raise NotImplementedError


class PostgresqlSession(AdbcSession):
    """PostgreSQL."""

    stream_options: ClassVar[dict[str, str]] = {"adbc.postgresql.batch_size_hint_bytes": str(2 * 2**20)}

    def _options(self) -> dict[str, str]:
        import adbc_driver_postgresql

        return {"driver": adbc_driver_postgresql._driver_path(), "uri": self.address.with_timeouts(self.timeout)}  # noqa: SLF001  # no public name for it  # pyright: ignore[reportPrivateUsage]  # no public name for it

    def _database(self, stack: ExitStack) -> adbc.AdbcDatabase:
        options = self._options()
        return _shared_database(options["driver"], options["uri"])

    def _prepare(self) -> None:
        self.execute(f"SET lock_timeout = {int(self.timeout * 1000)}")
        if self._read_only:
            self.execute("SET default_transaction_read_only = on")

    def _namespace_option(self) -> str:
        return adbc.StatementOptions.INGEST_TARGET_DB_SCHEMA.value

    def _failure(self, error: adbc.Error) -> Failure:
        return postgresql_failure(str(error), error.sqlstate)

    def _stream_failure(self, text: str) -> Failure:
        return postgresql_failure(text, None)


@lru_cache(maxsize=16)
def _shared_database(driver: str, uri: str) -> adbc.AdbcDatabase:
    """Holds no connection, but the server's catalog of types, which takes longer to read than connecting does."""
    return adbc.AdbcDatabase(driver=driver, uri=uri)


class SqliteSession(AdbcSession):
    """SQLite. What was committed survives a killed process and a power cut (write-ahead log, synchronous FULL)."""

    stream_options: ClassVar[dict[str, str]] = {"adbc.sqlite.query.batch_rows": "16384"}

    def _options(self) -> dict[str, str]:
        import adbc_driver_sqlite

        path = self.address.path
        if not path.exists() and (self._read_only or not path.parent.is_dir()):
            remedy = "the file must exist" if self._read_only else "the directory must exist"
            message = f"{self.address.redacted}: unable to open database file: {path} does not exist; {remedy}"
            raise (SinkError if self.address.side == "sink" else SourceError)(message)
        return {"driver": adbc_driver_sqlite._driver_path(), "uri": str(path)}  # noqa: SLF001  # no public name for it  # pyright: ignore[reportPrivateUsage]  # no public name for it

    def _prepare(self) -> None:
        self.fetch(f"PRAGMA busy_timeout = {int(self.timeout * 1000)}")
        if self._read_only:
            self.execute("PRAGMA query_only = on")
        else:
            self.fetch("PRAGMA journal_mode = WAL")
            self.execute("PRAGMA synchronous = FULL")

    def _namespace_option(self) -> str:
        return adbc.StatementOptions.INGEST_TARGET_CATALOG.value

    def _failure(self, error: adbc.Error) -> Failure:
        return sqlite_failure(str(error))

    def _stream_failure(self, text: str) -> Failure:
        return sqlite_failure(text)


class _AdbcStream(Stream):
    def __init__(self, session: AdbcSession, sql: str, rows: pa.RecordBatch | None) -> None:
        self._session = session
        self._open = ExitStack()
        with session._errors(), ExitStack() as stack:  # noqa: SLF001  # part of the session# pyright: ignore[reportPrivateUsage]
            statement = stack.enter_context(session._statement(sql, rows))  # noqa: SLF001  # part of the session# pyright: ignore[reportPrivateUsage]
            statement.set_options(**session.stream_options)
            handle, _ = statement.execute_query()
            self._reader = pa.RecordBatchReader._import_from_c(handle.address)  # noqa: SLF001  # no public name for it  # pyright: ignore[reportPrivateUsage]  # as ADBC's own dbapi does
            self.schema = self._reader.schema
            stack.callback(self._reader.close)
            self._open = stack.pop_all()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with self._session._errors():  # noqa: SLF001  # part of the session# pyright: ignore[reportPrivateUsage]
                try:
                    batch = self._reader.read_next_batch()
                except StopIteration:
                    return
            yield batch

    def close(self) -> None:
        with passed_on((adbc.Error, pa.ArrowException)):
            self._open.close()


_UTC = pa.timestamp("us", "UTC")


def _row(parameters: Parameters) -> pa.RecordBatch | None:
    if not parameters:
        return None
    return pa.record_batch([_value(value) for value in parameters], [f"p{index}" for index in range(len(parameters))])


def _value(value: Any) -> pa.Array:
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return pa.array([value], _UTC)
    return pa.array([value], pa.string() if value is None else None)


__all__ = ["AdbcSession", "PostgresqlSession", "SqliteSession"]
