"""How the SQL connector's fast way in keeps values as Django reads and compares them."""

from __future__ import annotations

import pyarrow as pa
from typing_extensions import override

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.dialects import Column, Dialect, dialect_of
from active_data_flow.connectors.sql.dialects.sqlite import SqliteDialect
from active_data_flow.core.kernels import pc


class _SqliteDialect(SqliteDialect):
    """Moments without a fraction have none in their text: texts are what SQLite compares."""

    @override
    def encode(self, values: pa.Array, column: Column) -> pa.Array:
        encoded = super().encode(values, column)
        if pa.types.is_timestamp(values.type) or pa.types.is_time(values.type):
            return pc.replace_substring_regex(encoded, r"\.000000$", "")
        return encoded


def model_dialect(session: Session) -> Dialect:
    """What is to be known of a database of the project."""
    return _SqliteDialect(session) if session.dialect == "sqlite" else dialect_of(session)


__all__ = ["model_dialect"]
