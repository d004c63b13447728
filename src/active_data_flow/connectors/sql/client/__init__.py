"""The only place that touches database drivers: addresses, sessions, and the meaning of their errors.

`connect(Address.parse(url, "sink"))` gives a `Session`: plain SQL with parameters, Arrow in and Arrow out, and
explicit transactions. Each database has a fast driver and may have a fallback; ``dialect+driver://`` in the address
chooses one:

- ``sqlite`` (= ``sqlite+adbc``), ``sqlite+pysqlite`` (the standard library's sqlite3)
- ``postgresql``: rows come out through ``postgresql+adbc`` and go in through ``postgresql+psycopg``; where one of them
  is not installed, the other one serves both
- ``mysql``, ``mariadb`` (= ``mysql+pymysql``)
"""

from __future__ import annotations

from active_data_flow.connectors.sql.client.address import Address, DialectName
from active_data_flow.connectors.sql.client.failures import RefusedRowsError
from active_data_flow.connectors.sql.client.session import Parameters, Session, Stream


def connect(address: Address, *, timeout: float = 30.0, read_only: bool = False) -> Session:
    """A session with the database, in autocommit until `Session.begin`.

    Args:
        address: Where the database is.
        timeout: Seconds to wait for a connection and for locks.
        read_only: Nothing will be written; a SQLite file that does not exist is an error instead of being created.

    Raises:
        SinkUnavailableError, SourceUnavailableError: The database can't be reached at the moment.
        SinkError, SourceError: It refuses the connection (no such database, wrong password).
        ConfigurationError: A driver is not installed; names the command that installs it.
    """
    if address.driver == "pysqlite":
        from active_data_flow.connectors.sql.client.pysqlite import PysqliteSession as Driver
    elif address.driver == "psycopg":
        from active_data_flow.connectors.sql.client.psycopg import PsycopgSession as Driver
    elif address.driver == "pymysql":
        from active_data_flow.connectors.sql.client.pymysql import PymysqlSession as Driver
    elif address.dialect == "sqlite":
        from active_data_flow.connectors.sql.client.adbc import SqliteSession as Driver
    else:
        from active_data_flow.connectors.sql.client.adbc import PostgresqlSession as Driver
    return Driver(address, timeout=timeout, read_only=read_only)


__all__ = ["Address", "DialectName", "Parameters", "RefusedRowsError", "Session", "Stream", "connect"]
