"""What a dialect has to say; what most of them say alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from active_data_flow.connectors.sql.client import Session
from active_data_flow.connectors.sql.types import as_json, column_type, is_nested, plain

ROW = "_adf_row"
"""Column of a staging table that numbers its rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name.
        declared: Its type, as the database writes it.
        kind: Arrow type that values are cast to; None where any value may be given, as text or as it comes.
        nullable: Whether it takes NULL.
        filled: Whether the database gives a value where none is given: default, identity.
        writable: False of generated columns.
        key: Part of the primary key.
    """

    name: str
    declared: str
    kind: pa.DataType | None
    nullable: bool = True
    filled: bool = False
    writable: bool = True
    key: bool = False

    def as_kind(self, kind: pa.DataType) -> Column:
        """The column with another Arrow type."""
        return replace(self, kind=kind)


@dataclass(frozen=True, slots=True)
class Merge:
    """Rows of a staging table on their way into a table.

    Attributes:
        target: The table, quoted.
        stage: The staging table, quoted.
        columns: Columns to write.
        keys: Columns whose values make a row the same; none: rows are only added.
        updated: Columns that an existing row gets anew.
    """

    target: str
    stage: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()


class Dialect(ABC):
    """One database's ways. Statements run in the session's transaction, if there is one.

    Attributes:
        session: The session that statements run in.
        strategy: The way rows go in, in a few words.
        max_writers: Writers that may be open at once; None: any number.
        transactional_ddl: Whether changes of tables are part of transactions.
        fold_case: Whether names of columns are the same in upper and lower case.
    """

    strategy: str
    max_writers: int | None = None
    transactional_ddl: bool = True
    fold_case: bool = False

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def columns(self, namespace: str | None, table: str) -> list[Column] | None:
        """Columns of a table in order; None where there is no such table."""

    @abstractmethod
    def unique_keys(self, namespace: str | None, table: str) -> list[frozenset[str]]:
        """Sets of columns that are unique in the table."""

    @abstractmethod
    def lock_definitions(self, name: str) -> None:
        """Let no other writer create or change the table until the transaction's end."""

    def unlock_definitions(self) -> None:
        """Give the lock back where it does not end with the transaction."""

    def clear_stage(self, stage: str) -> None:
        """Empty a staging table, given by its quoted name."""
        self.session.execute(f"DELETE FROM {stage}")  # noqa: S608  # names are quoted

    @abstractmethod
    def create_stage(self, name: str, columns: Sequence[Column], target: str) -> str:
        """Make an empty staging table for this session with a column `ROW`; its quoted name."""

    @abstractmethod
    def merge(self, merge: Merge, where: str) -> str:
        """The statement that moves staged rows for which `where` holds into their table, later ones last."""

    @abstractmethod
    def claim(self, epochs: str) -> str:
        """A statement that sets a flow's epoch to the higher of its next one and a parameter: flow, epoch."""

    @abstractmethod
    def fence(self, epochs: str) -> str:
        """A query for a flow's epoch that keeps it from changing until the transaction's end; parameter: flow."""

    @abstractmethod
    def save_positions(self, positions: str) -> str:
        """A statement that stores a position: flow, split, state, epoch."""

    @abstractmethod
    def describe(self) -> str:
        """Name and version of the server."""

    @abstractmethod
    def create_like(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        """Make an empty table that is like another one, with its constraints."""

    @abstractmethod
    def swap(self, new: tuple[str | None, str], old: tuple[str | None, str]) -> None:
        """Put one table in the place of another one, as far as possible in the session's transaction."""

    def column_type(self, kind: pa.DataType, *, key: bool = False) -> str:
        """The column type for values of an Arrow type."""
        return column_type(kind, self.session.dialect, key=key)

    def ingests(self, column: Column) -> bool:
        """Whether the fast way in fills the column; else its values go through a staging table, as text."""
        return column.kind is not None

    def encode(self, values: pa.Array, column: Column) -> pa.Array:
        """Values as the fast way in takes them for that column."""
        if is_nested(values.type):
            return as_json(values)
        kind = plain(values.type)
        return values if kind == values.type else values.cast(kind)

    def widen(self, namespace: str | None, table: str, column: Column, kind: pa.DataType) -> str | None:
        """The statement that makes a column take values of a wider type; None where none is needed."""
        target = self.session.quote(namespace, table)
        return f"ALTER TABLE {target} ALTER COLUMN {self.session.quote(column.name)} TYPE {self.column_type(kind)}"

    def add_column(self, namespace: str | None, table: str, name: str, kind: pa.DataType) -> str:
        """The statement that adds a column."""
        target = self.session.quote(namespace, table)
        return f"ALTER TABLE {target} ADD COLUMN {self.session.quote(name)} {self.column_type(kind)}"

    def insert_staged(self, merge: Merge, where: str) -> str:
        """The statement that adds staged rows for which `where` holds to their table, later ones last."""
        names = self.names(merge.columns)
        rows = f"SELECT {names} FROM {merge.stage} WHERE {where} ORDER BY {ROW}"  # noqa: S608  # names are quoted
        return f"INSERT INTO {merge.target} ({names}) {rows}"

    def names(self, columns: Sequence[Column], prefix: str = "") -> str:
        """Quoted names of columns, for lists in statements."""
        return ", ".join(prefix + self.session.quote(column.name) for column in columns)


__all__ = ["ROW", "Column", "Dialect", "Merge"]
