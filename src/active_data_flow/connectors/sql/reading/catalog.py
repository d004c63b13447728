"""What a database says of the table or query to read: its columns, and what tells its rows apart."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.statement import Bound, filled, postgresql_type
from active_data_flow.core.errors import SourceError
from active_data_flow.core.near_names import near_names

ALIAS = "adf"
"""Name under which statements refer to the table or query."""
UNBOUNDED_DECIMAL = pa.decimal128(38, 20)
"""Of decimals without declared precision: as many digits behind the point as averages have."""
_COUNTED_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column and how it is read.

    Attributes:
        name: Its name.
        type: Type that it has in batches.
        expression: What stands for it in a SELECT.
        reference: The column itself, for conditions and the order.
        database_type: Its type in the database, as casts of values to compare with name it.
        nullable: Whether it may hold NULL.
        stored: Of SQLite: the kind of value that its rows hold (``integer``, ``real``, ``text``, ``blob``).
    """

    name: str
    type: pa.DataType
    expression: str
    reference: str
    database_type: str = ""
    nullable: bool = True
    stored: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """What tells the rows of a table apart.

    Attributes:
        primary: Columns of the primary key, or what the database has in its place; empty where there is none.
        unique: Columns of each unique index without condition.
    """

    primary: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()


class Catalog(ABC):
    """Asks one database.

    Args:
        session: Where to ask.
        source: What to ask about.
    """

    version_query = "SELECT version()"

    def __init__(self, session: Session, source: SqlSourceConfiguration) -> None:
        self.session = session
        self.source = source

    def columns(self) -> list[Column]:
        """All columns of the table or query.

        Raises:
            SourceError: There is no such table; names near ones. Or the query is wrong; with the database's message.
        """
        found = self._table_columns() if self.source.table is not None else self._query_columns()
        if not found:
            raise self._no_table()
        names = [column.name for column in found]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            message = f"query gives several columns the name {', '.join(doubled)}; name them differently with AS"
            raise SourceError(message, connector="sql")
        return found

    @abstractmethod
    def keys(self) -> Keys:
        """What tells the rows of the table apart."""

    def as_key(self, column: Column) -> Column:
        """A column as it is read for positions: exactly, whatever is shown of it in batches."""
        return column

    @property
    def paged(self) -> bool:
        """Whether a long query would lock writers out, so that it is better to ask for some rows after the other."""
        return False

    def rows(self) -> int:
        """About how many rows the table has; of one without statistics they are counted, up to five millions."""
        bound = Bound(self.session)
        statement = (
            f"SELECT count(*) FROM (SELECT 1 AS one FROM {self.relation(bound)} LIMIT {_COUNTED_ROWS}) AS counted"  # noqa: S608  # names are quoted
        )
        return int(self.ask(statement, bound)[0][0])

    def version(self) -> str:
        """Name and version of the database."""
        return str(self.session.fetch(self.version_query)[0][0]).split(" on ")[0]

    def relation(self, bound: Bound) -> str:
        """What stands behind FROM."""
        if self.source.query is None:
            return f"{self.table_name} AS {ALIAS}"
        # the query may end with a line comment
        text = filled(self.source.query, self.source.parameters, bound, self.session.dialect)
        return f"(\n{text}\n) AS {ALIAS}"

    @property
    def table_name(self) -> str:
        """The table's name, quoted."""
        return self.session.quote(self.source.namespace, self.source.table)

    def reference(self, name: str) -> str:
        """A column, quoted and qualified."""
        return f"{ALIAS}.{self.session.quote(name)}"

    def ask(self, statement: str, bound: Bound) -> list[tuple[Any, ...]]:
        """Rows of a small result."""
        try:
            return self.session.fetch(statement, bound.prepare())
        finally:
            self.session.rollback()

    @abstractmethod
    def _table_columns(self) -> list[Column]: ...

    @abstractmethod
    def _query_columns(self) -> list[Column]: ...

    @abstractmethod
    def _table_names(self) -> Iterable[str]: ...

    def _no_table(self) -> SourceError:
        near = near_names(self.source.table or "", set(self._table_names()))
        return SourceError(f"{self.session.address.redacted} has no table {self.source.name}{near}", connector="sql")

    def _null_query(self) -> str:
        """The query with NULL for each parameter, for where none can be bound."""
        bound = _Nulls(self.session)
        assert self.source.query is not None
        return filled(self.source.query, self.source.parameters, bound, self.session.dialect)


class _Nulls(Bound):
    def bind(self, value: object, kind: str | None = None) -> str:
        """NULL, of the type that the value would have."""
        return f"CAST(NULL AS {kind or postgresql_type(value)})" if self._settings else "NULL"


def grouped(rows: Iterable[tuple[object, object, object]]) -> Keys:
    """Keys from rows (index, is it the primary key, column), columns in order."""
    indexes: dict[object, list[str]] = {}
    primary: object = None
    for index, is_primary, column in rows:
        indexes.setdefault(index, []).append(str(column))
        primary = index if is_primary else primary
    first = tuple(indexes.get(primary, ())) if primary is not None else ()
    return Keys(first, tuple(tuple(columns) for columns in indexes.values()))


__all__ = ["ALIAS", "UNBOUNDED_DECIMAL", "Catalog", "Column", "Keys", "grouped"]
