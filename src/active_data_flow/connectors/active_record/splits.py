"""Splits of the source: those of the SQL connector, by ranges of the primary key or by a cursor."""

from __future__ import annotations

from active_data_flow.connectors.sql.splits import Place, serializer
from active_data_flow.connectors.sql.splits import SqlSplit as ModelSplit

__all__ = ["ModelSplit", "Place", "serializer"]
