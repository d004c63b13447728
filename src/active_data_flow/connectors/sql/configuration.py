"""Options of the SQL source."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from active_data_flow.core.configuration import Url
from active_data_flow.source_support.source import SplitSource


def _names(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_names)]
"""One name, or a list of names."""


class SqlSourceConfiguration(SplitSource):
    """What to read, in what order, and how far."""

    url: Url
    """Address of the database, as ``postgresql://user@host/database`` or ``sqlite:///file.db``, or ``env:NAME``."""
    table: str | None = None
    """Table or view to read."""
    query: str | None = None
    """SELECT to read instead of a table; ``:name`` stands for the parameter of that name."""
    parameters: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    """Values of the query's parameters: bound, never pasted. Cast texts in the query: ``cast(:day as date)``."""
    namespace: str | None = None
    """Schema of the table (of MySQL: database); default: where the database looks first."""
    columns: list[str] | None = Field(default=None, min_length=1)
    """Columns to read; default: all."""
    key: str | None = None
    """Column by whose ranges a complete read is split; default: the first column of the table's primary key."""
    splits: int | None = Field(default=None, ge=1, le=256)
    """Number of key ranges; default: as `rows_per_split` and the flow's parallelism ask for; of a query: 1."""
    rows_per_split: int = Field(default=500_000, ge=1)
    """Rows that a key range should have, where `splits` is not given."""
    cursor: str | None = None
    """Column that grows with every new or changed row; a run then reads only what is new since the last."""
    tiebreaker: Names = Field(default_factory=list)
    """Column(s) that tell rows with the same key or cursor apart; default: the table's primary key."""
    cursor_nulls: Literal["read", "skip"] = "read"
    """Whether rows without a cursor value are read, each once, in the order of their tiebreaker, or left out."""
    settle: float = Field(default=0.0, ge=0)
    """Seconds that a cursor's time must lie back: set it above the length of the longest writing transaction."""
    follow: bool = False
    """Never end: ask for new rows again and again. Needs a cursor."""
    poll_interval: float = Field(default=1.0, gt=0)
    """Seconds between two questions for new rows, where the source follows."""
    batch_size: int = Field(default=16_384, ge=1)
    """Rows that a batch has at most."""
    timeout: float = Field(default=30.0, gt=0)
    """Seconds to wait for a connection and for locks."""

    def describe(self) -> str:
        """Table or query, and database."""
        what = "query" if self.table is None else f"table {self.name}"
        return f"{what} in {self.url.redacted}"

    @property
    def name(self) -> str:
        """What is read, in a word: the table, qualified where it has a namespace, or ``query``."""
        if self.table is None:
            return "query"
        return f"{self.namespace}.{self.table}" if self.namespace else self.table

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either a table or a query")
        faults = {
            "parameters belong to a query": bool(self.parameters) and self.query is None,
            "a namespace belongs to a table; name it inside the query": bool(self.namespace) and self.table is None,
            "key splits a complete read, cursor reads what is new: give one of them": bool(self.key and self.cursor),
            "splits are of a key; a cursor is read as one split": self.splits is not None and self.cursor is not None,
            "follow needs a cursor, by which new rows are found": self.follow and self.cursor is None,
            "settle needs a cursor": self.settle > 0 and self.cursor is None,
            "a query is split by ranges of a key; name it": bool(
                self.query and (self.splits or 1) > 1 and not self.key
            ),
            "tiebreaker belongs to a key or a cursor": bool(self.tiebreaker) and not (self.key or self.cursor),
            "a query's cursor needs a tiebreaker, which tells rows with the same cursor value apart; "
            "where the cursor is unique it can be its own": bool(self.query and self.cursor and not self.tiebreaker),
        }
        for fault, there in faults.items():
            if there:
                raise ValueError(fault)
        return self


__all__ = ["SqlSourceConfiguration"]
