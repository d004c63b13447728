"""The source: a table or a query, read by key ranges or by a growing column."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa

from active_data_flow.connectors.sql.client import Address
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.splits import SqlSplit, serializer
from active_data_flow.source_support.contexts import EnumeratorContext, ReaderContext
from active_data_flow.source_support.enumerator import SplitEnumerator
from active_data_flow.source_support.reader import SourceReader
from active_data_flow.source_support.source import Boundedness
from active_data_flow.source_support.split import SplitSerializer


class SqlSource(SqlSourceConfiguration):
    """A table or a query of SQLite, PostgreSQL, MySQL or MariaDB.

    **Without a cursor** a run reads everything. A killed run goes on where it was committed; the run after a complete
    one reads everything again, for a sink that replaces or upserts. A table is read in the order of its key (default:
    its primary key; of SQLite also the row's number), in ranges that lanes read side by side; rows whose key is NULL
    are a split of their own. Rows that are inserted meanwhile may be read or not; none is read twice. Where rows can't
    be told apart - a query without `key`, a table without primary key - they are one split that is committed as a
    whole: a killed run begins it anew.

    **With a cursor** - a column that grows with every new or changed row, as ``updated_at`` or an id - a run reads what
    is behind the last row of the run before, in the order (cursor, tiebreaker), so that rows with the same cursor value
    are neither lost nor read twice. Rows whose cursor is NULL are read before the others in the order of the
    tiebreaker, each once: later ones are found where their tiebreaker is greater. A row that is written with a cursor
    behind the position is not found: where transactions commit in another order than they take their times, set
    `settle` above the length of the longest one. It is compared with the database's clock, in the time zone of its
    session (of SQLite and MySQL: UTC). With `follow` the source never ends.

    A value that does not fit its column's type - SQLite takes any - is a rejected record that names field and reason.

    Example:
        >>> source = SqlSource(url="sqlite:///shop.db", table="orders", cursor="updated_at", tiebreaker="id")
        >>> source.to_document()["tiebreaker"]
        ['id']
    """

    type: ClassVar[str] = "sql"
    label: ClassVar[str] = "sql source"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"bounded", "endless", "splittable", "resumable", "ordered", "incremental", "typed"}
    )

    @property
    def variant(self) -> str:
        """The database, its driver where it is not the first choice, and ``cursor`` where it is read by one."""
        database = Address.parse(self.url.resolve(), "source").variant
        return f"sql:{database}:cursor" if self.cursor else f"sql:{database}"

    @classmethod
    def variants(cls) -> list[str]:
        """Each database by each driver, by ranges and by a cursor."""
        return [f"sql:{database}{way}" for database in Address.variants("source") for way in ("", ":cursor")]

    @property
    def boundedness(self) -> Boundedness:
        """Endless where it follows."""
        return Boundedness.ENDLESS if self.follow else Boundedness.BOUNDED

    @property
    def discover_interval(self) -> float:
        """Seconds between two looks for new rows."""
        return self.poll_interval

    def create_enumerator(self, context: EnumeratorContext[Any]) -> SplitEnumerator[SqlSplit]:
        """Looks at the table and cuts it into splits."""
        from active_data_flow.connectors.sql.reading.enumerator import SqlEnumerator

        return SqlEnumerator(context, self)

    def create_reader(self, context: ReaderContext) -> SourceReader[SqlSplit]:
        """One connection."""
        from active_data_flow.connectors.sql.reading.reader import SqlReader

        return SqlReader(context, self)

    def split_serializer(self) -> SplitSerializer[SqlSplit]:
        """Splits to JSON and back."""
        return serializer

    def describe(self) -> str:
        """The table or query and the database, without a password."""
        return f"{f'table {self.table}' if self.table else 'a query'} in {self.url.redacted}"

    def arrow_schema(self) -> pa.Schema:
        """Columns and types, as the database declares them; it is asked.

        Raises:
            SourceError: It can't be reached, or the table or query is wrong.
            ConfigurationError: A column of the options is not there.
        """
        from active_data_flow.connectors.sql.reading.inspection import inspect

        return inspect(self).schema

    def check(self) -> list[str]:
        """Connect, look, and disconnect.

        Returns:
            The database and its version; the columns; about how many rows; the order in which they are read.
        """
        from active_data_flow.connectors.sql.reading.inspection import inspect

        return inspect(self).found

    def reads_again(self) -> str:
        """Without a cursor it does."""
        return "" if self.cursor else "give the source a cursor, by which a run reads only what is new"

    def split_notes(self) -> list[str]:
        """Into what it is split, and what a killed and a second run read; the database is asked where it can be."""
        from active_data_flow.connectors.sql.reading.inspection import notes

        return notes(self)


__all__ = ["SqlSource"]
