"""A connection of a writer's or reader's own, made as Django makes it, with the interface of the SQL connector."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa
from django.db import DatabaseError, InterfaceError, connections, transaction
from typing_extensions import override

from active_data_flow.connectors.active_record.client.project import dialect_name
from active_data_flow.connectors.active_record.fields import is_automatic_key
from active_data_flow.connectors.sql.client import Address, Parameters, RefusedRowsError, Session, Stream
from active_data_flow.connectors.sql.client.failures import (
    Failure,
    error_for,
    mysql_failure,
    passed_on,
    postgresql_failure,
    sqlite_failure,
)
from active_data_flow.connectors.sql.client.rows import RowStream, python_rows
from active_data_flow.core.errors import SinkError, SinkUnavailableError, SourceError

_MARK = re.compile("\0([0-9]+)\0")
_GONE = 2006
_UNKNOWN = -1


class ModelSession(Session):
    """One connection to a database of the project; used by one thread at a time, not always the same.

    Within `bound` it is the connection that the ORM uses for this database in this thread, so that what models, their
    receivers and this session do is one transaction. `begin` and `commit` are Django's: ``on_commit`` callbacks run.

    Args:
        alias: Name of the database in the project's settings.
        side: Whether rows come out or go in.
        timeout: Seconds to wait for locks.
        immediate: Have PostgreSQL check foreign keys with each statement, so that it tells the row at fault; else at
            the commit, as Django declares them.
    """

    def __init__(self, alias: str, side: Literal["source", "sink"], timeout: float, *, immediate: bool = False) -> None:
        self.alias = alias
        self.timeout = timeout
        self._immediate = immediate
        self.address = Address(dialect_name(alias), "django", "", f"database {alias}", side)
        self.wrapper: Any = connections.create_connection(alias)
        self.wrapper.inc_thread_sharing()
        self._atomic: Any = None
        with self.errors():
            self.wrapper.connect()
            self.wrapper.set_autocommit(True)
            self._prepare()

    @contextmanager
    def bound(self) -> Generator[None]:
        """Let the ORM of this thread use the connection meanwhile; its errors become ours."""
        before = connections[self.alias]
        connections[self.alias] = self.wrapper
        try:
            with self.errors():
                yield
        finally:
            connections[self.alias] = before

    @contextmanager
    def errors(self) -> Generator[None]:
        """Errors of Django and of the driver, as ours."""
        try:
            yield
        except (DatabaseError, InterfaceError, self.wrapper.Database.Error) as error:
            raise error_for(self.failure(error), self.address) from error

    def failure(self, error: BaseException) -> Failure:
        """What an error of Django or of the driver means."""
        cause: Any = error if isinstance(error, self.wrapper.Database.Error) else error.__cause__ or error
        if self.wrapper.connection is None or getattr(self.wrapper, "closed_in_transaction", False):
            return Failure("unavailable", f"the connection was lost: {cause}")
        if self.dialect == "sqlite":
            return sqlite_failure(str(cause))
        if self.dialect == "mysql":
            code, *texts = cause.args or (_GONE,)
            return mysql_failure(code if isinstance(code, int) else _UNKNOWN, str(texts[0] if texts else cause))
        return _postgresql_failure(cause)

    def takes_zero_for_none(self, field: Any) -> bool:
        """Whether a key of 0 becomes one that the database gives, as MySQL's and MariaDB's do."""
        return is_automatic_key(field) and not self.wrapper.features.allows_auto_pk_0

    @override
    def mark(self, number: int) -> str:
        return super().mark(number) if self.dialect == "sqlite" or self._raw else f"\0{number}\0"

    @override
    def quote(self, *names: str | None) -> str:
        return ".".join(self.wrapper.ops.quote_name(name) for name in names if name is not None)

    @override
    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        with self.errors(), self._cursor() as cursor:
            cursor.execute(*self._filled(sql, parameters))
            return int(cursor.rowcount)

    @override
    def execute_many(self, sql: str, rows: pa.RecordBatch) -> None:
        for row in python_rows(rows):
            self.execute(sql, row)

    @override
    def stream(self, sql: str, parameters: Parameters = ()) -> Stream:
        with self.errors(), self._cursor() as cursor:
            cursor.execute(*self._filled(sql, parameters))
            names = [column[0] for column in cursor.description or ()]
            rows = iter([list(cursor.fetchall())])  # results are small, and the connection is free again
        return RowStream(names, [None] * len(names), lambda _: next(rows, []), lambda: None, self.errors)

    @override
    def lay_out(self, rows: pa.Table) -> Any:
        if not self._raw:
            return super().lay_out(rows)
        from active_data_flow.connectors.sql.client.copy_binary import CopyData

        return CopyData.of(rows)

    @override
    def ingest(self, table: str, laid_out: Any, *, namespace: str | None = None, temporary: bool = False) -> None:
        if self._raw:
            from active_data_flow.connectors.sql.client.psycopg import copy_into

            target = self.quote("pg_temp" if temporary else namespace, table)
            with self.errors(), self._cursor() as cursor:
                copy_into(cursor, target, laid_out, self.quote)
            return
        target = self.quote("temp" if temporary and self.dialect == "sqlite" else namespace, table)
        names, place = laid_out.schema.names, "?" if self.dialect == "sqlite" else "%s"
        columns, places = ", ".join(map(self.quote, names)), ", ".join([place] * len(names))
        insert = f"INSERT INTO {target} ({columns}) VALUES ({places})"  # noqa: S608  # names are quoted
        with self.errors(), self._cursor() as cursor:
            for batch in laid_out:
                cursor.executemany(insert, list(python_rows(batch)))

    @override
    def begin(self) -> None:
        with self.bound():
            self._atomic = transaction.atomic(using=self.alias)
            self._atomic.__enter__()
        self.in_transaction = True
        if self.dialect == "postgresql":
            self.execute(f"SET LOCAL lock_timeout = {int(self.timeout * 1000)}")
            if self._immediate:
                self.execute("SET CONSTRAINTS ALL IMMEDIATE")

    @override
    def commit(self) -> None:
        if self.wrapper.needs_rollback:
            self.rollback()
            message = (
                f"the transaction in {self.address.redacted} can't be committed: code of the model or of a receiver "
                "has caught an error of the database without transaction.atomic() around what failed"
            )
            raise SinkError(message)
        try:
            self._leave(None)
        except RefusedRowsError as error:
            # what a foreign key points to has gone since it was looked up; the next attempt rejects the record
            message = f"{self.address.redacted} refuses the commit: {error.failure.text}; the rows are written again"
            raise SinkUnavailableError(message) from error

    @override
    def rollback(self) -> None:
        if self.in_transaction:
            self._leave(RuntimeError("rolled back"))

    @override
    def close(self) -> None:
        with passed_on((SinkError, SourceError)):
            self.rollback()
        with passed_on((DatabaseError, InterfaceError)):
            self.wrapper.close()

    def _leave(self, error: Exception | None) -> None:
        atomic, self._atomic, self.in_transaction = self._atomic, None, False
        with self.bound():
            atomic.__exit__(type(error) if error else None, error, None)

    @property
    def _raw(self) -> bool:
        """Whether statements may have numbered marks: psycopg 3's cursors take them, psycopg 2's don't."""
        return self.dialect == "postgresql" and self.wrapper.Database.__name__ == "psycopg"

    @contextmanager
    def _cursor(self) -> Generator[Any]:
        if self.wrapper.connection is None:
            raise InterfaceError("the connection is closed")
        if self._raw:
            import psycopg

            cursor: Any = psycopg.RawCursor(self.wrapper.connection)
        else:
            cursor = self.wrapper.connection.cursor()
        try:
            yield cursor
        finally:
            with passed_on((self.wrapper.Database.Error,)):
                cursor.close()

    def _filled(self, sql: str, parameters: Parameters) -> tuple[Any, ...]:
        if self._raw:
            return sql.encode(), list(parameters) or None
        if self.dialect == "sqlite":
            return sql, list(parameters)
        places = [int(found[1]) - 1 for found in _MARK.finditer(sql)]
        return _MARK.sub("%s", sql.replace("%", "%%")), tuple(parameters[place] for place in places)

    def _prepare(self) -> None:
        if self.dialect == "sqlite":
            self.wrapper.transaction_mode = "IMMEDIATE"  # a transaction that begins to write later may be too late
            self.execute(f"PRAGMA busy_timeout = {int(self.timeout * 1000)}")
        elif self.dialect == "mysql":
            self.execute(f"SET SESSION innodb_lock_wait_timeout = {max(1, int(self.timeout))}")


def _postgresql_failure(error: Any) -> Failure:
    diagnosis = getattr(error, "diag", None)
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if diagnosis is None or not diagnosis.message_primary:
        return postgresql_failure(str(error), state)
    detail = f"\nDETAIL:  {diagnosis.message_detail}" if diagnosis.message_detail else ""
    context = f"\nCONTEXT:  {diagnosis.context}" if diagnosis.context else ""
    return postgresql_failure(f"ERROR: {diagnosis.message_primary}{detail}{context}", state)


__all__ = ["ModelSession"]
