"""A table or query, looked at: its columns, its order, and the statements that read its splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.catalog import Catalog, Column, Keys
from active_data_flow.connectors.sql.reading.mysql import MysqlCatalog
from active_data_flow.connectors.sql.reading.postgresql import PostgresqlCatalog
from active_data_flow.connectors.sql.reading.sqlite import ROWID, SqliteCatalog
from active_data_flow.connectors.sql.reading.statement import Bound
from active_data_flow.connectors.sql.splits import SqlSplit
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names

_CATALOGS: dict[str, type[Catalog]] = {"postgresql": PostgresqlCatalog, "mysql": MysqlCatalog, "sqlite": SqliteCatalog}


def catalog_of(session: Session, source: SqlSourceConfiguration) -> Catalog:
    """What asks the session's database."""
    return _CATALOGS[session.dialect](session, source)


@dataclass(frozen=True, slots=True)
class Relation:
    """What is read.

    Attributes:
        catalog: Where more can be asked.
        columns: The columns to read, in order.
        order: The columns by whose values the rows are told apart, in the order in which they are read; empty where
            rows can't be told apart.
        keys: What the database says tells rows apart.
    """

    catalog: Catalog
    columns: tuple[Column, ...]
    order: tuple[Column, ...]
    keys: Keys

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns to read."""
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns of the statements: those to read, then those only needed for the position."""
        return self.columns + tuple(column for column in self.order if column not in self.columns)

    @property
    def places(self) -> list[int]:
        """Where the order's columns stand among those of the statements."""
        return [self.read.index(column) for column in self.order]

    @property
    def order_is_proven(self) -> bool:
        """Whether the database guarantees that no two rows agree in all of the order's columns."""
        names = {column.name for column in self.order}
        return any(names.issuperset(unique) for unique in (self.keys.primary, *self.keys.unique) if unique)


def look_at(session: Session, source: SqlSourceConfiguration) -> Relation:
    """What there is to read.

    Raises:
        SourceError: There is no such table, or the query is wrong.
        ConfigurationError: A column of the options is not there, or the order that they ask for would lose rows.
    """
    catalog = catalog_of(session, source)
    found = {column.name: column for column in catalog.columns()}
    keys = catalog.keys() if source.table is not None else Keys()
    chosen = tuple(_column(found, name, "columns", source) for name in source.columns or found)
    names = _order(source, keys)
    if ROWID in names and ROWID not in found and isinstance(catalog, SqliteCatalog):
        found[ROWID] = catalog.row_number()
    option = "cursor" if source.cursor else "key"
    order = tuple(
        catalog.as_key(_column(found, name, "tiebreaker" if number else option, source))
        for number, name in enumerate(names)
    )
    relation = Relation(catalog, chosen, order, keys)
    _check_order(relation, source)
    return relation


def _order(source: SqlSourceConfiguration, keys: Keys) -> list[str]:
    first = source.cursor or source.key
    if first is None:
        return list(keys.primary)
    if source.key and not source.tiebreaker and (first,) in (keys.primary, *keys.unique):
        return [first]
    return list(dict.fromkeys([first, *(source.tiebreaker or keys.primary)]))


def _check_order(relation: Relation, source: SqlSourceConfiguration) -> None:
    asked = source.cursor or source.key
    if not asked or source.query is not None:
        return
    option = "cursor" if source.cursor else "key"
    if not source.tiebreaker and not relation.order_is_proven:
        message = (
            f"{option} {asked}: rows of {source.name} may have the same value, and the table has no primary key; "
            "name column(s) as tiebreaker that tell them apart, or rows would be lost"
        )
        raise ConfigurationError(message, connector="sql")


def _column(found: dict[str, Column], name: str, option: str, source: SqlSourceConfiguration) -> Column:
    if name in found:
        return found[name]
    message = f"{option}: {source.name} has no column {name}{near_names(name, found)}"
    raise ConfigurationError(message, connector="sql")


class Statements:
    """The statements that read a relation.

    Args:
        relation: What is read.
        source: The options.
    """

    def __init__(self, relation: Relation, source: SqlSourceConfiguration) -> None:
        self.relation = relation
        self._source = source
        self._dialect = relation.catalog.session.dialect

    def select(
        self, split: SqlSplit, after: Sequence[Any] | None, *, nulls: bool = False, limit: int | None = None
    ) -> tuple[str, Bound]:
        """A statement for the rows of a split behind a position.

        Args:
            split: The split.
            after: Values of the order's columns of the last row read; with `nulls` without the first.
            nulls: The rows whose first column of the order is NULL; else those that have a value.
            limit: Rows at most.
        """
        bound = Bound(self.relation.catalog.session)
        quote = self.relation.catalog.session.quote
        names = ", ".join(f"{column.expression} AS {quote(f'c{i}')}" for i, column in enumerate(self.relation.read))
        parts = [f"SELECT {names} FROM {self.relation.catalog.relation(bound)}"]  # noqa: S608  # names are quoted, values bound
        if conditions := self._conditions(split, after, bound, nulls=nulls):
            parts.append(f"WHERE {' AND '.join(conditions)}")
        if order := self._order(split, nulls=nulls):
            parts.append(f"ORDER BY {', '.join(column.reference for column in order)}")
        if limit is not None:
            parts.append(f"LIMIT {limit}")
        return " ".join(parts), bound

    def _order(self, split: SqlSplit, *, nulls: bool) -> tuple[Column, ...]:
        if split.part == "all":
            return ()
        return self.relation.order[1:] if nulls else self.relation.order

    def _conditions(self, split: SqlSplit, after: Sequence[Any] | None, bound: Bound, *, nulls: bool) -> list[str]:
        if split.part == "all":
            return []
        key = self.relation.order[0]
        columns = self._order(split, nulls=nulls)
        conditions = [f"{key.reference} IS NULL"] if nulls else []
        if after is not None:
            conditions.append(self._behind(columns, after, bound))
        if nulls:
            return conditions
        if after is None and split.low is not None:
            conditions.append(f"{key.reference} >= {bound.bind(split.low, key.database_type)}")
        if split.high is not None:
            conditions.append(f"{key.reference} < {bound.bind(split.high, key.database_type)}")
        if key.nullable and not conditions:
            conditions.append(f"{key.reference} IS NOT NULL")
        if self._source.settle:
            conditions.append(self._settled(key))
        return conditions

    def _behind(self, columns: Sequence[Column], after: Sequence[Any], bound: Bound) -> str:
        """Rows that come later in the order than one with these values."""

        def compared(index: int, operator: str) -> str:
            column = columns[index]
            return f"{column.reference} {operator} {bound.bind(after[index], column.database_type)}"

        # no comparison is true of NULL: such tiebreakers are let through, and refused when they are seen
        key = self.relation.order[0]
        null = [f"{column.reference} IS NULL" for column in columns if column.nullable and column is not key]
        if len(columns) == 1:
            return f"({' OR '.join([compared(0, '>'), *null])})"
        if self._dialect == "mysql":
            # it uses no index for a comparison of rows, but does for one of the first column
            cases = [
                " AND ".join([*(compared(index, "=") for index in range(last)), compared(last, ">")])
                for last in range(len(columns))
            ]
        else:
            places = [bound.bind(value, column.database_type) for column, value in zip(columns, after, strict=True)]
            cases = [f"({', '.join(column.reference for column in columns)}) > ({', '.join(places)})"]
            if not null:
                return cases[0]
        first = f"{compared(0, '>=')} AND " if columns[0] is key else ""
        return f"{first}(({') OR ('.join([*cases, *null])}))"

    def _settled(self, cursor: Column) -> str:
        if not pa.types.is_timestamp(cursor.type):
            message = f"settle: cursor {cursor.name} holds {cursor.type}, no times; leave settle out"
            raise ConfigurationError(message, connector="sql")
        seconds = self._source.settle
        if self._dialect == "sqlite":
            return f"julianday({cursor.reference}) <= julianday('now') - {seconds!r} / 86400.0"
        if self._dialect == "mysql":
            return f"{cursor.reference} <= NOW(6) - INTERVAL {round(seconds * 1e6)} MICROSECOND"
        now = "now()" if cursor.type.tz else "localtimestamp"
        return f"{cursor.reference} <= {now} - make_interval(secs => {seconds!r})"


__all__ = ["Relation", "Statements", "catalog_of", "look_at"]
