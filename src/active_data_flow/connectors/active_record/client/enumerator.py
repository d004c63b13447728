"""Which splits a run reads, and what can be said of a source before it is read."""

from __future__ import annotations

import math
from typing import Any

from active_data_flow.connectors.active_record.client.query import ModelQuery
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.configuration import ActiveRecordSourceConfiguration
from active_data_flow.connectors.active_record.splits import ModelSplit
from active_data_flow.connectors.sql.reading.enumerator import Order, RangeEnumerator
from active_data_flow.connectors.sql.splits import encode
from active_data_flow.source_support.contexts import EnumeratorContext

_MOST_SPLITS = 256
_SPARSE = 2
"""Whole numbers are cut into ranges of the same width where at least one of so many is there."""


class ModelEnumerator(RangeEnumerator):
    """Cuts the rows of a model into ranges of its primary key.

    Args:
        context: Knows what earlier runs have read.
        source: The options.
    """

    def __init__(self, context: EnumeratorContext[ModelSplit], source: ActiveRecordSourceConfiguration) -> None:
        name = source.queryset or source.model
        super().__init__(context, name, by_cursor=source.cursor is not None, follow=source.follow)
        self._source = source

    def look(self) -> list[ModelSplit]:
        """Connect, and see what there is."""
        query = ModelQuery(self._source)
        order = Order(query.order, nullable=False)
        return self.plan(order, lambda: self._bounds(query))

    def _bounds(self, query: ModelQuery) -> list[Any]:
        parallelism = self._context.current_parallelism()
        if self._source.splits == 1 or (self._source.splits is None and parallelism == 1):
            return []
        with ModelSession(query.alias, "source", self._source.timeout) as session, session.bound():
            rows = query.rows.count()
            wanted = self._source.splits or min(
                _MOST_SPLITS, max(parallelism, math.ceil(rows / self._source.rows_per_split))
            )
            return [] if wanted == 1 or not rows else _even(query, wanted, rows) or _counted(query, wanted, rows)


def look(source: ActiveRecordSourceConfiguration) -> list[str]:
    """What there is, for ``adf check``."""
    query = ModelQuery(source)
    with ModelSession(query.alias, "source", source.timeout) as session, session.bound():
        rows = query.rows.count()
    shown = ", ".join(f"{field.name} {field.type}" for field in query.schema)
    return [
        f"connected to {session.address.redacted} ({session.dialect}); {source.describe()} has {rows} rows",
        f"{len(query.schema)} columns to read: {shown}",
        f"read in the order of {', '.join(query.order)}",
    ]


def _even(query: ModelQuery, wanted: int, rows: int) -> list[Any]:
    """Ranges of the same width, of whole numbers without large gaps."""
    first, last = query.key_at(0), query.key_at(0, last=True)
    if not isinstance(first, int) or last - first + 1 > _SPARSE * rows:
        return []
    width = last - first + 1
    return sorted({first + width * number // wanted for number in range(1, wanted)} - {first})


def _counted(query: ModelQuery, wanted: int, rows: int) -> list[Any]:
    """Each range has the same number of rows: the index is walked over once."""
    found: list[Any] = []
    step = max(1, math.ceil(rows / wanted))
    while len(found) < wanted - 1:
        bound = query.key_at(step, behind=found[-1] if found else None)
        if bound is None:
            break
        found.append(bound)
    return [plain_key(bound) for bound in found]


def plain_key(value: Any) -> Any:
    """A key as positions keep it: what they have no form for as text."""
    try:
        encode(value)
    except TypeError:
        return str(value)
    return value


__all__ = ["ModelEnumerator", "look", "plain_key"]
