"""Options of the sink that have a form of their own, and what follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from active_data_flow.core.configuration import Configuration

Mode = Literal["append", "upsert", "replace"]

_LONGEST_NAME = 63
_SUFFIX = "__adf_new"


def check_upsert(mode: str, unique_by: Sequence[str], update_only: Sequence[str], what: str) -> None:
    """Refuse options of mode upsert that don't go together.

    Args:
        mode: The mode.
        unique_by: What makes a row the same.
        update_only: What is changed of a row that is there.
        what: What these name, for errors: ``columns`` or ``fields``.

    Raises:
        ValueError: The mode and its options don't go together, or a key would change.
    """
    if (mode == "upsert") != bool(unique_by):
        raise ValueError(f"unique_by names the key {what} of mode upsert, which needs them; other modes have none")
    if update_only and mode != "upsert":
        raise ValueError("update_only is for mode upsert")
    keys = sorted(set(update_only) & set(unique_by))
    if keys:
        raise ValueError(f"update_only has key {what}, which never change: {', '.join(keys)}")


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


__all__ = ["CreateTable", "Mode", "Target", "check_upsert", "replacement_name"]
