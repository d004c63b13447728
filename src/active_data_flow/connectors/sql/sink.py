"""The sink: a table of a database."""

from __future__ import annotations

from typing import Any, ClassVar, get_args

import pyarrow as pa
from pydantic import Field, model_validator

from active_data_flow.connectors.sql.client import Address, Session, connect
from active_data_flow.connectors.sql.dialects import dialect_of
from active_data_flow.connectors.sql.sink_configuration import CreateTable, Mode, Target, check_upsert
from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint
from active_data_flow.core.configuration import Url
from active_data_flow.core.errors import SinkError
from active_data_flow.core.policies import Seconds
from active_data_flow.core.sink import Delivery, Sink, Writer, WriterContext


class SqlSink(Sink):
    """A table of PostgreSQL, SQLite, MySQL or MariaDB. Rows and positions are committed in one transaction.

    Example:
        >>> sink = SqlSink(url="sqlite:///flights.db", table="flights", mode="upsert", unique_by=["id"])
        >>> sink.write({"id": 1, "origin": "EWR"})
        >>> sink.write({"id": 1, "origin": "JFK"})
    """

    type: ClassVar[str] = "sql"
    label: ClassVar[str] = "sql sink"
    delivery: ClassVar[Delivery] = Delivery.TRANSACTIONAL
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"exactly-once", "append", "upsert", "replace", "creates table", "evolves schema", "rejects rows"}
    )

    url: Url
    """Address: ``sqlite:///flights.db``, ``postgresql://user@host/database``, ``mysql://…``, ``mariadb://…``; with
    a password as a reference, ``env:DATABASE_URL``."""
    table: str = Field(min_length=1)
    """Name of the table."""
    namespace: str | None = None
    """Schema (of MySQL: database) that the table is in; default: the connection's own."""
    mode: Mode = "append"
    """``append`` adds rows; ``upsert`` changes the row with the same key, or adds one; ``replace`` fills a new table
    and puts it in the place of the old one when the source has been read to its end."""
    unique_by: list[str] = Field(default_factory=list[str])
    """Of upsert: the columns that make a row the same; they need a unique index, which a table made here has."""
    update_only: list[str] = Field(default_factory=list[str])
    """Of upsert: the columns of an existing row that are changed; default: all that are given."""
    create_table: CreateTable = CreateTable()
    """How the table is made where it does not exist."""
    timeout: Seconds = 30.0
    """Seconds to wait for a connection, and for locks that others hold."""
    batch_size: int = Field(default=65536, ge=1, le=10_000_000)
    """Rows that are handed to the database at once; fewer where they come to 16 MB."""

    @model_validator(mode="after")
    def _check_mode(self) -> SqlSink:
        check_upsert(self.mode, self.unique_by, self.update_only, "columns")
        return self

    @property
    def variant(self) -> str:
        """The database, its driver where it is not the first choice, and the mode: ``sql:postgresql:upsert``."""
        return f"sql:{self._address.variant}:{self.mode}"

    @classmethod
    def variants(cls) -> list[str]:
        """Each database by each driver in each mode."""
        return [f"sql:{database}:{mode}" for database in Address.variants("sink") for mode in get_args(Mode)]

    @property
    def max_writers(self) -> int | None:
        """One for SQLite, which has a single writer; any number for the others."""
        return 1 if self._address.dialect == "sqlite" else None

    @property
    def delivery_here(self) -> tuple[Delivery, str]:
        """Transactional: rows and positions are in the same database."""
        name = {"postgresql": "PostgreSQL", "sqlite": "SQLite", "mysql": "MySQL or MariaDB"}[self._address.dialect]
        return self.delivery, f"rows and positions are one transaction of {name}"

    def doubles(self) -> str:
        """Only mode append does."""
        return "give the sink mode: upsert with unique_by, or mode: replace" if self.mode == "append" else ""

    def open(self, context: WriterContext) -> Writer:
        """A writer with a connection of its own.

        Raises:
            SinkUnavailableError: The database can't be reached at the moment.
            SinkError: It refuses the connection.
        """
        from active_data_flow.connectors.sql.writer import SqlWriter

        session = self._connect()
        return SqlWriter(session, dialect_of(session), self._target, context, self.batch_size)

    def _write_alone(self, writer: Any, context: WriterContext, batch: Batch) -> None:
        """Commit without positions; of mode replace: it is all that the table then holds."""
        if self.mode == "replace":
            super()._write_alone(writer, context, batch)
            return
        writer.write(batch)
        writer.publish()

    def finish(self, context: WriterContext) -> None:
        """Of mode replace: put the new table in the place of the old one."""
        if self.mode != "replace":
            return
        from active_data_flow.connectors.sql.positions import Positions
        from active_data_flow.connectors.sql.replacing import Replacement

        with self._connect() as session:
            dialect = dialect_of(session)
            positions = Positions(dialect, self.namespace, context.flow)
            Replacement(dialect, self._target, positions).finish(context.epoch)

    def positions(self, flow: str) -> Checkpoint | None:
        """The flow's positions in the database; None where there are none, or no database yet."""
        from active_data_flow.connectors.sql.positions import Positions

        if self._is_absent():
            return None
        with self._connect(read_only=True) as session:
            positions = Positions(dialect_of(session), self.namespace, flow)
            epoch = positions.epoch() if positions.exist() else None
            return None if epoch is None else Checkpoint(epoch, positions.load())

    def reset(self, flow: str) -> None:
        """Forget the flow's positions; of mode replace also what the new table holds already."""
        from active_data_flow.connectors.sql.positions import Positions
        from active_data_flow.connectors.sql.replacing import Replacement

        if self._is_absent():
            return
        with self._connect() as session:
            dialect = dialect_of(session)
            positions = Positions(dialect, self.namespace, flow)
            if positions.exist():
                session.begin()
                positions.clear()
                session.commit()
            if self.mode == "replace":
                Replacement(dialect, self._target, positions).drop()

    def describe(self) -> str:
        """The table and the database, without a password."""
        return f"table {self.table} in {self.url.redacted}"

    def hint(self) -> str:
        """A query in the database's own shell."""
        query = f"'select * from {self.table} limit 5'"  # noqa: S608  # shown to a person, never sent
        if str(self.url).startswith("env:"):
            return ""
        dialect = self._address.dialect
        if dialect == "sqlite":
            return f"sqlite3 {self._address.path} {query}"
        return f"psql {self.url.redacted} -c {query}" if dialect == "postgresql" else ""

    def arrow_schema(self) -> pa.Schema | None:
        """Columns and types of the table; None where it does not exist."""
        if self._is_absent():
            return None
        with self._connect(read_only=True) as session:
            columns = dialect_of(session).columns(self.namespace, self.table)
        if columns is None:
            return None
        return pa.schema([pa.field(column.name, column.kind or pa.string(), column.nullable) for column in columns])

    def check(self) -> list[str]:
        """Connect and look at the table.

        Raises:
            SinkError: The database can't be reached or refuses the connection.
        """
        if self._is_absent():
            path = self._address.path
            if not path.parent.is_dir():
                raise SinkError(
                    f"{path.parent} does not exist; make the directory of the database file", connector="sql"
                )
            return [f"{path} does not exist yet; it will be made"]
        with self._connect(read_only=True) as session:
            dialect = dialect_of(session)
            lines = [f"connected to {dialect.describe()} ({self._address.redacted}); rows go in by {dialect.strategy}"]
            columns = dialect.columns(self.namespace, self.table)
            if columns is None:
                return [*lines, f"table {self.table} does not exist yet"]
            names = ", ".join(f"{column.name} {column.declared}" for column in columns)
            return [*lines, f"table {self.table} has {len(columns)} columns: {names}"]

    @property
    def _address(self) -> Address:
        return Address.parse(self.url.resolve(), "sink")

    @property
    def _name(self) -> str:
        return f"{self.namespace}.{self.table}" if self.namespace else self.table

    @property
    def _target(self) -> Target:
        keys, updated = tuple(self.unique_by), tuple(self.update_only) or None
        return Target(self.table, self.namespace, self.mode, keys, updated, self.create_table)

    def _is_absent(self) -> bool:
        address = self._address
        return address.dialect == "sqlite" and not address.path.exists()

    def _connect(self, *, read_only: bool = False) -> Session:
        return connect(self._address, timeout=self.timeout, read_only=read_only)


__all__ = ["SqlSink"]
