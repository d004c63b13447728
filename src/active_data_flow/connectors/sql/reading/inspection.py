"""What can be said of a source before it is read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.relation import look_at
from active_data_flow.core.errors import SourceError


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        schema: Columns and types.
        order: Names of the columns by which rows are told apart, in their order.
        nullable: Whether the first of them may be NULL.
        found: Lines for ``adf check``.
    """

    schema: pa.Schema
    order: tuple[str, ...]
    nullable: bool
    found: list[str]


def inspect(source: SqlSourceConfiguration) -> Inspection:
    """Connect, look, and disconnect."""
    address = Address.parse(source.url.resolve(), "source")
    with connect(address, timeout=source.timeout, read_only=True) as session:
        relation = look_at(session, source)
        order = tuple(column.name for column in relation.order)
        lines = [f"{address.redacted}: {relation.catalog.version()}"]
        shown = ", ".join(f"{field.name} {field.type}" for field in relation.schema)
        lines.append(f"{source.name} has {len(relation.schema)} columns to read: {shown}")
        if source.table is not None:
            lines.append(f"about {relation.catalog.rows()} rows")
        lines.append(f"read in the order of {', '.join(order)}" if order else "read in no order, as one split")
        return Inspection(relation.schema, order, bool(order) and relation.order[0].nullable, lines)


def notes(source: SqlSourceConfiguration) -> list[str]:
    """Into what a source is split, and what a killed and a second run read."""
    try:
        found = inspect(source)
    except SourceError as error:
        return [f"the database can't be asked now: {error.message}"]
    if source.cursor is not None:
        order = ", ".join(found.order)
        return [
            f"one split: rows are read in the order of {order}, those behind the last run's only",
            "a killed run goes on behind the last committed row",
            *([f"rows without {source.cursor} are {_nulls(source)}"] if found.nullable else []),
            *(_SETTLE if not source.settle else []),
        ]
    if not found.order:
        why = "a query without key" if source.query else "the table has no primary key"
        return [
            f"one split: {why}, so that rows can't be told apart; name a key to read in parallel",
            "it is committed as a whole: a killed run reads it anew; so does the run after a complete one",
        ]
    key = found.order[0]
    parts = f"{source.splits} ranges" if source.splits else "one range" if source.query else "a range or more a lane"
    more = ", and the rows without one as a split of their own" if found.nullable else ""
    return [
        f"{parts} of {key}{more}; within a range rows are read in the order of {', '.join(found.order)}",
        "a killed run goes on behind the last committed row of each range; the run after a complete one begins anew",
    ]


_SETTLE = [
    "rows that a slow transaction commits behind the position are not found; settle makes the source wait for them"
]


def _nulls(source: SqlSourceConfiguration) -> str:
    if source.cursor_nulls == "skip":
        return "left out"
    return "read once each, in the order of the tiebreaker"


__all__ = ["Inspection", "inspect", "notes"]
