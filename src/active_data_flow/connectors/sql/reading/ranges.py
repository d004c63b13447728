"""Where to cut the keys of a table into ranges of about as many rows each."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.catalog import Column
from active_data_flow.connectors.sql.reading.relation import Relation
from active_data_flow.connectors.sql.reading.statement import Bound

_MOST_SPLITS = 256
_SPARSE = 2
"""Whole numbers are cut into ranges of the same width where at least one of so many is there."""


def bounds_of(relation: Relation, source: SqlSourceConfiguration, parallelism: int) -> list[Any]:
    """Keys at which one range ends and the next begins, in order; empty where one range is enough."""
    if source.splits == 1 or not relation.order or (source.splits is None and (parallelism == 1 or source.query)):
        return []
    rows = relation.catalog.rows()
    wanted = source.splits or min(_MOST_SPLITS, max(parallelism, math.ceil(rows / source.rows_per_split)))
    if wanted == 1 or not rows:
        return []
    key = relation.order[0]
    return _even(relation, key, wanted, rows) or _counted(relation, key, wanted, rows)


def _even(relation: Relation, key: Column, wanted: int, rows: int) -> list[Any]:
    """Ranges of the same width, of whole numbers without large gaps."""
    if not pa.types.is_integer(key.type):
        return []
    first, last = (_key_at(relation, key, ending) for ending in ("", " DESC"))
    if first is None or last - first + 1 > _SPARSE * rows:
        return []
    width = last - first + 1
    return sorted({first + width * number // wanted for number in range(1, wanted)} - {first})


def _counted(relation: Relation, key: Column, wanted: int, rows: int) -> list[Any]:
    """Each range has the same number of rows: the index is walked over once."""
    found: list[Any] = []
    step = max(1, math.ceil(rows / wanted))
    while len(found) < wanted - 1:
        bound = _key_at(relation, key, "", skip=step, behind=found[-1] if found else None)
        if bound is None:
            break
        found.append(bound)
    return found


def _key_at(relation: Relation, key: Column, ending: str, *, skip: int = 0, behind: Any = None) -> Any:
    bound = Bound(relation.catalog.session)
    table = relation.catalog.relation(bound)
    condition = "IS NOT NULL" if behind is None else f">= {bound.bind(behind, key.database_type)}"
    statement = (
        f"SELECT {key.expression} AS value FROM {table} WHERE {key.reference} {condition} "  # noqa: S608  # names are quoted, values bound
        f"ORDER BY {key.reference}{ending} LIMIT 1 OFFSET {skip}"
    )
    rows = relation.catalog.ask(statement, bound)
    # of many rows with the same key the one so far behind may still have it: then there is no bound
    return rows[0][0] if rows and rows[0][0] != behind else None


__all__ = ["bounds_of"]
