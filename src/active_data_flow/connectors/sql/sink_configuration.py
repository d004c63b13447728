"""Options of the sink that have a form of their own, and what follows from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from active_data_flow.core.configuration import Configuration

Mode = Literal["append", "upsert", "replace"]

_LONGEST_NAME = 63
_SUFFIX = "__adf_new"


class CreateTable(Configuration):
    """How the table is made where it does not exist."""

    label: ClassVar[str] = "create_table"

    primary_key: list[str] = Field(default_factory=list[str])
    """Columns of the primary key; default: `unique_by`."""
    types: dict[str, str] = Field(default_factory=dict[str, str])
    """Column types, as the database writes them, in place of those that follow from the data:
    ``{"sku": "varchar(20)"}``."""
    suffix: str = ""
    """What follows the closing parenthesis of CREATE TABLE, as ``WITH (fillfactor = 70)``."""


@dataclass(frozen=True, slots=True)
class Target:
    """The table that rows are written to.

    Attributes:
        table: Name of the table that the sink is about.
        namespace: Schema (of MySQL: database) that it is in; None for the connection's own.
        mode: What is done with rows.
        unique_by: Columns whose values make a row the same.
        update_only: Columns that an existing row gets anew; None: all but the keys.
        create: How the table is made.
    """

    table: str
    namespace: str | None
    mode: Mode
    unique_by: tuple[str, ...]
    update_only: tuple[str, ...] | None
    create: CreateTable

    @property
    def written(self) -> str:
        """Name of the table that rows go to now; of a replacement the one that will take the table's place."""
        return replacement_name(self.table) if self.mode == "replace" else self.table


def replacement_name(table: str) -> str:
    """Name of the table that is filled while `table` is being replaced; short enough for every database."""
    if len((table + _SUFFIX).encode()) <= _LONGEST_NAME:
        return table + _SUFFIX
    digest = hashlib.sha256(table.encode()).hexdigest()[:10]
    return f"{table.encode()[:40].decode(errors='ignore')}_{digest}{_SUFFIX}"


__all__ = ["CreateTable", "Mode", "Target", "replacement_name"]
