"""What differs between databases when a sink writes: the fast way in, types, catalogs, upserts, locks."""

from __future__ import annotations

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.dialects.dialect import Column, Dialect, Merge


def dialect_of(session: Session) -> Dialect:
    """What is to be known of the database behind a session."""
    if session.dialect == "postgresql":
        from active_data_flow.connectors.sql.dialects.postgresql import PostgresqlDialect as Chosen
    elif session.dialect == "sqlite":
        from active_data_flow.connectors.sql.dialects.sqlite import SqliteDialect as Chosen
    else:
        from active_data_flow.connectors.sql.dialects.mysql import MysqlDialect as Chosen
    return Chosen(session)


__all__ = ["Column", "Dialect", "Merge", "dialect_of"]
