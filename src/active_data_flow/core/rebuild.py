"""Makes a batch of messages: untouched columns as they are, written ones from Python values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from itertools import chain, repeat
from typing import Any

import pyarrow as pa

from active_data_flow.core.columns import Columns
from active_data_flow.core.conversion import Converted, Fault, convert, default_array
from active_data_flow.core.field_options import has_default
from active_data_flow.core.kernels import pc
from active_data_flow.core.row import ROW, Message, columns_of, index_of
from active_data_flow.core.values import array_of, plain_values, type_of


@dataclass(slots=True)
class OutputTypes:
    """What is known of the columns that a lane puts out; grows from batch to batch.

    Attributes:
        declared: The whole output, where it is declared.
        schema: Types of the fields that typed messages have.
        seen: Columns that were put out before, in their order.
        written: Types of the columns that were made from Python values before.
    """

    declared: pa.Schema | None = None
    schema: pa.Schema | None = None
    seen: dict[str, pa.Field] = attribute(default_factory=dict[str, pa.Field])
    written: dict[str, pa.DataType] = attribute(default_factory=dict[str, pa.DataType])

    def typed(self, name: str) -> pa.Field | None:
        """The field of the typed messages' schema with this name."""
        if self.schema is None or name not in self.schema.names:
            return None
        return self.schema.field(name)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A batch made of messages.

    Attributes:
        data: The rows.
        rows: For each row the number of the row that it came from; None where they are the same rows in the same order.
        faults: Number of a row that came in -> why something that was made of it doesn't fit.
    """

    data: pa.RecordBatch
    rows: pa.Array | None
    faults: dict[int, Fault]


def rebuild(columns: Columns, messages: Sequence[Message], types: OutputTypes) -> Rebuilt:
    """The batch that messages make.

    Args:
        columns: The columns into which all messages look.
        messages: The messages, in order; several may look into the same row.
        types: What is known of the output; is added to.
    """
    if columns.data is None:
        raise ValueError("the columns are those of a batch")
    if not messages:
        return Rebuilt(_empty(columns.data, types), pa.array([], pa.int64()), {})
    return _Rebuilding(columns, columns.data, messages, types).result()


def _empty(data: pa.RecordBatch, types: OutputTypes) -> pa.RecordBatch:
    schema = types.declared or (pa.schema(list(types.seen.values())) if types.seen else data.schema)
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


class _Rebuilding:
    def __init__(self, columns: Columns, data: pa.RecordBatch, messages: Sequence[Message], types: OutputTypes) -> None:
        self._messages = messages
        self._types = types
        self._indices = list(map(index_of, messages))
        self._same_rows = self._indices == list(range(data.num_rows))
        self._rows = pa.array(self._indices, pa.int64())
        self._data = data
        self._variants = set(map(columns_of, messages))
        self._written = dict.fromkeys(chain.from_iterable(map(dict.keys, messages)))
        del self._written[ROW]
        self._written |= dict.fromkeys(columns.maybe_changed())
        self._passed = data if self._same_rows else self._take()
        self._faults: dict[int, Fault] = {}

    def _take(self) -> pa.RecordBatch:
        """The rows of the columns that pass through; the others are not worth the copying."""
        names = [name for name in self._data.schema.names if name not in self._written]
        return self._data.select(names).take(self._rows)

    def result(self) -> Rebuilt:
        fields = self._declared() if self._types.declared is not None else self._told()
        data = pa.RecordBatch.from_arrays(
            [array for _, array in fields], schema=pa.schema([field for field, _ in fields])
        )
        rows = None if self._same_rows else self._rows
        if not self._faults:
            return Rebuilt(data, rows, {})
        # all that came of a row is left out where a part of it is: a replay of the row makes all of it again
        keep = pa.array([index not in self._faults for index in self._indices], pa.bool_())
        return Rebuilt(data.filter(keep), self._rows.filter(keep), self._faults)

    def _declared(self) -> list[tuple[pa.Field, pa.Array]]:
        assert self._types.declared is not None
        return [(field, self._as_declared(field)) for field in self._types.declared]

    def _as_declared(self, field: pa.Field) -> pa.Array:
        if field.name in self._written:
            return self._checked(array_of(plain_values(self._values(field.name)), field, lenient=True))
        if self._shown(field.name):
            return self._checked(convert(self._passing(field.name), field))
        if has_default(field):
            return default_array(field, len(self._messages))
        missing = convert(pa.nulls(len(self._messages), field.type), field)
        reason = "is not in the message, and the output schema allows no null there"
        return self._checked(Converted(missing.array, dict.fromkeys(missing.faults, Fault(field.name, reason))))

    def _told(self) -> list[tuple[pa.Field, pa.Array]]:
        """The columns as the data tells them, those put out before first."""
        seen = self._types.seen
        made: dict[str, tuple[pa.Field, pa.Array]] = {}
        for name in self._names():
            column = self._made(name) if name in self._written or name in self._types.written else self._as_is(name)
            if column is not None:
                made[name] = column
                seen[name] = column[0]
        count = len(self._messages)
        return [made.get(name) or (_nullable(field), pa.nulls(count, field.type)) for name, field in seen.items()]

    def _names(self) -> list[str]:
        shown = [name for name in self._data.schema.names if self._shown(name)]
        return list(dict.fromkeys([*shown, *self._written]))

    def _shown(self, name: str) -> bool:
        return any(name in variant.positions for variant in self._variants)

    def _as_is(self, name: str) -> tuple[pa.Field, pa.Array]:
        array = self._passing(name)
        field = self._data.schema.field(name)
        return (field if array.null_count == 0 else _nullable(field)), array

    def _passing(self, name: str) -> pa.Array:
        """A column that no message has written to; null where a message has removed it."""
        array = self._passed.column(name)
        if all(name in variant.positions for variant in self._variants):
            return array
        there = [name in columns_of(message).positions for message in self._messages]
        return pc.if_else(pa.array(there, pa.bool_()), array, None)

    def _made(self, name: str) -> tuple[pa.Field, pa.Array] | None:
        """A column that was written to, in this batch or in an earlier one."""
        typed = self._types.typed(name)
        known = self._types.written.get(name)
        if name not in self._written:
            assert known is not None
            field = typed or pa.field(name, known)
            return field, self._checked(convert(self._passing(name), field))
        values = plain_values(self._values(name))
        if typed is not None:
            self._types.written[name] = typed.type
            return typed, self._checked(array_of(values, typed, lenient=True))
        kind = known or self._type_so_far(name) or type_of(values, self._type_in_data(name))
        if kind is None:
            return None
        self._types.written[name] = kind
        field = pa.field(name, kind)
        return field, self._checked(array_of(values, field))

    def _type_so_far(self, name: str) -> pa.DataType | None:
        """The type that a column was put out with before any message had written to it."""
        return self._types.seen[name].type if name in self._types.seen else None

    def _type_in_data(self, name: str) -> pa.DataType | None:
        return self._data.schema.field(name).type if name in self._data.schema.names else None

    def _values(self, name: str) -> list[Any]:
        messages = self._messages
        if not self._shown(name):
            return list(map(dict.get, messages, repeat(name)))
        if all(name in variant.positions for variant in self._variants):
            return [message[name] for message in messages]
        return [message.get(name) for message in messages]

    def _checked(self, converted: Converted) -> pa.Array:
        for position, fault in converted.faults.items():
            self._faults.setdefault(self._indices[position], fault)
        return converted.array


def _nullable(field: pa.Field) -> pa.Field:
    return field.with_nullable(True)


__all__ = ["OutputTypes", "Rebuilt", "rebuild"]
