"""The table that rows are written to: made, widened and checked as the flow's schema contract says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pyarrow as pa

from active_data_flow.connectors.sql.dialects import Column, Dialect
from active_data_flow.connectors.sql.sink_configuration import Target
from active_data_flow.connectors.sql.types import is_nested, plain
from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.policies import Drift, SchemaContract

Changing = Callable[[], AbstractContextManager[None]]
"""Makes a scope in which the table may be created and changed, and nobody else does."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How batches of one schema go into the table.

    Attributes:
        schema: Schema of the batches.
        columns: Columns that are filled.
        fields: Names of the fields that fill them, in the same order.
        unknown: Fields that the table has no column for, and gets none.
    """

    schema: pa.Schema
    columns: tuple[Column, ...]
    fields: tuple[str, ...]
    unknown: tuple[str, ...] = ()


class TargetTable:
    """The table of a sink, seen through one session."""

    def __init__(self, dialect: Dialect, target: Target, contract: SchemaContract, changing: Changing) -> None:
        self._dialect = dialect
        self._session = dialect.session
        self._target = target
        self._contract = contract
        self._changing = changing
        self._kinds: dict[str, pa.DataType] = {}

    @property
    def quoted(self) -> str:
        """Its name in statements."""
        return self._session.quote(self._target.namespace, self._target.written)

    def plan(self, schema: pa.Schema) -> Plan:
        """How batches of that schema are written; makes and widens the table where the contract allows it.

        Raises:
            SinkError: The table is not there and must not be made; or lacks what the mode or the data need.
            SchemaError: The data has columns that the table lacks, and the contract is to fail.
        """
        self._refuse_twins(schema)
        columns = self._columns()
        if columns is None:
            columns = self._create(schema)
        missing = [field for field in schema if self._fold(field.name) not in columns]
        if missing and self._contract.column is Drift.EVOLVE:
            columns = self._add(missing)
            missing = []
        if missing and self._contract.column is Drift.FAIL:
            names = ", ".join(field.name for field in missing)
            message = f"table {self.quoted} has no column for {names}; add it, or let the contract evolve columns"
            raise SchemaError(message)
        self._check(columns, schema)
        known = [name for name in schema.names if self._fold(name) in columns]
        filled = tuple(columns[self._fold(name)] for name in known)
        return Plan(schema, filled, tuple(known), tuple(field.name for field in missing))

    def widen(self, column: Column, kind: pa.DataType) -> None:
        """Make a column take values of a wider type; `plan` then knows it."""
        self._kinds[column.name] = kind
        statement = self._dialect.widen(self._target.namespace, self._target.written, column, kind)
        if statement is not None:
            with self._changing():
                self._session.execute(statement)

    def _columns(self) -> dict[str, Column] | None:
        columns = self._dialect.columns(self._target.namespace, self._target.written)
        if columns is None:
            return None
        wide = self._kinds if self._session.dialect == "sqlite" else {}
        return {
            self._fold(column.name): column.as_kind(wide.get(column.name, column.kind))
            if column.name in wide
            else column
            for column in columns
        }

    def _create(self, schema: pa.Schema) -> dict[str, Column]:
        old = (self._target.namespace, self._target.table)
        new = (self._target.namespace, self._target.written)
        replaces = old != new and self._dialect.columns(*old) is not None
        if not replaces and self._contract.table is not Drift.EVOLVE:
            definition = self.definition(schema)
            message = (
                f"table {self.quoted} does not exist, and the contract is not to make it; it would be:\n{definition}"
            )
            raise SinkError(message)
        with self._changing():
            columns = self._columns()
            if columns is None and replaces:
                self._dialect.create_like(new, old)
            elif columns is None:
                self._session.execute(self.definition(schema))
        columns = self._columns()
        if columns is None:
            message = f"table {self.quoted} was made and has vanished again"
            raise SinkError(message)
        return columns

    def _add(self, fields: list[pa.Field]) -> dict[str, Column]:
        with self._changing():
            known = self._columns() or {}
            for field in fields:
                if self._fold(field.name) not in known:
                    statement = self._dialect.add_column(
                        self._target.namespace, self._target.written, field.name, field.type
                    )
                    self._session.execute(statement)
        return self._columns() or {}

    def definition(self, schema: pa.Schema) -> str:
        """The CREATE TABLE statement for data of that schema."""
        options = self._target.create
        keys = tuple(options.primary_key) or self._target.unique_by
        lacking = [name for name in (*keys, *options.types) if name not in schema.names]
        if lacking:
            has = ", ".join(schema.names)
            message = f"table {self.quoted} can't be made: the data has no column {', '.join(lacking)}; it has {has}"
            raise SinkError(message)
        lines = [self._definition(field, field.name in keys) for field in schema]
        if keys:
            lines.append(f"PRIMARY KEY ({', '.join(self._session.quote(key) for key in keys)})")
        suffix = options.suffix or ("CHARACTER SET utf8mb4" if self._session.dialect == "mysql" else "")
        return f"CREATE TABLE {self.quoted} (\n  " + ",\n  ".join(lines) + f"\n) {suffix}".rstrip()

    def _definition(self, field: pa.Field, key: bool) -> str:  # noqa: FBT001  # internal
        kind = self._target.create.types.get(field.name) or self._dialect.column_type(field.type, key=key)
        constraint = "" if field.nullable and not key else " NOT NULL"
        return f"{self._session.quote(field.name)} {kind}{constraint}"

    def _check(self, columns: dict[str, Column], schema: pa.Schema) -> None:
        given = {self._fold(name) for name in schema.names}
        required = [
            column.name
            for name, column in columns.items()
            if name not in given and not column.nullable and not column.filled and column.writable
        ]
        if required:
            message = (
                f"table {self.quoted} needs a value for {', '.join(required)}, but the data has no such column; "
                f"it has {', '.join(schema.names)}"
            )
            raise SinkError(message)
        generated = [name for name in schema.names if (found := columns.get(self._fold(name))) and not found.writable]
        if generated:
            message = f"column {', '.join(generated)} of table {self.quoted} is generated; leave it out of the data"
            raise SinkError(message)
        if self._target.mode == "upsert":
            self._check_keys(schema)

    def _check_keys(self, schema: pa.Schema) -> None:
        keys = self._target.unique_by
        lacking = [name for name in (*keys, *(self._target.update_only or ())) if name not in schema.names]
        if lacking:
            message = (
                f"the data has no column {', '.join(lacking)}, which upsert needs; it has {', '.join(schema.names)}"
            )
            raise SinkError(message)
        wanted = frozenset(map(self._fold, keys))
        found = self._dialect.unique_keys(self._target.namespace, self._target.written)
        if wanted not in [frozenset(map(self._fold, names)) for names in found]:
            names = ", ".join(self._session.quote(key) for key in keys)
            message = (
                f"table {self.quoted} has no unique index on ({names}), without which rows can't be found again; "
                f"CREATE UNIQUE INDEX ON {self.quoted} ({names})"
            )
            if self._session.dialect != "postgresql":
                index = self._session.quote(f"{self._target.table}_key")
                message = message.replace("CREATE UNIQUE INDEX ON", f"CREATE UNIQUE INDEX {index} ON")
            raise SinkError(message)

    def _refuse_twins(self, schema: pa.Schema) -> None:
        folded = [self._fold(name) for name in schema.names]
        twins = sorted({name for name in folded if folded.count(name) > 1})
        if twins:
            message = (
                f"the data has several columns {', '.join(twins)} for one column of table {self.quoted}; rename one"
            )
            raise SinkError(message)

    def _fold(self, name: str) -> str:
        return name.casefold() if self._dialect.fold_case else name


def wider(known: pa.DataType, given: pa.DataType) -> pa.DataType | None:  # noqa: PLR0911  # one answer a line
    """The type that takes the values of both; None where it is the known one."""
    known, given = plain(known), plain(given)
    is_ = pa.types
    if is_nested(known) or is_.is_string(known) or known == given:
        return None
    if is_.is_integer(known) and is_.is_integer(given):
        found = pa.int64() if given.bit_width >= 32 else pa.int32()
        return found if found.bit_width > known.bit_width else None
    if is_.is_integer(known) and is_.is_floating(given):
        return pa.float64()
    if is_.is_floating(known) and is_.is_floating(given):
        return pa.float64() if given.bit_width > known.bit_width else None
    if is_.is_decimal(known) and is_.is_decimal(given):
        scale = max(known.scale, given.scale)
        digits = max(known.precision - known.scale, given.precision - given.scale)
        return pa.decimal128(min(38, digits + scale), scale)
    if is_.is_integer(known) and is_.is_decimal(given):
        return pa.decimal128(min(38, 19 + given.scale), given.scale)
    if is_.is_date(known) and is_.is_timestamp(given):
        return given
    return None if is_.is_binary(known) else pa.string()


__all__ = ["Changing", "Plan", "TargetTable", "wider"]
