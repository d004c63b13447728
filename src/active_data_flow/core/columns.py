"""The columns of a batch as rows of user code see them: a column becomes a Python list when it is first touched."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any

import pyarrow as pa

from active_data_flow.core.near_names import near_names


class UnknownFieldError(KeyError, AttributeError):
    """A message has no such field; a `KeyError` (and an `AttributeError`) that suggests near names.

    Args:
        name: The name that was asked for.
        known: The names that there are.
    """

    def __init__(self, name: object, known: Iterable[str] = ()) -> None:
        super().__init__(name)
        self._known = tuple(known)

    def __str__(self) -> str:
        name = self.args[0]
        return f"there is no field {name!r}{near_names(str(name), self._known)}"


class Columns(dict[str, list[Any]]):
    """Columns of a record batch, each turned into a list of Python values when it is first asked for.

    Rows hold a reference to their columns and a row number. What a row has removed is told by columns of its own that
    hide some names and share everything else, so that the many rows that remove the same field share one object.

    Args:
        data: The record batch; None for messages that were never part of one.
        origin: What the metadata of the rows is made from.
        hidden: Names that are not shown.
        root: The columns that hide nothing; default: these.
    """

    __slots__ = ("_without", "data", "hidden", "names", "origin", "positions", "root")

    def __init__(
        self,
        data: pa.RecordBatch | None,
        origin: Any = None,
        hidden: frozenset[str] = frozenset(),
        root: Columns | None = None,
    ) -> None:
        super().__init__()
        self.root = self if root is None else root
        self.data = data
        self.origin = origin
        self.hidden = hidden
        names: list[str] = [] if data is None else data.schema.names
        self.positions = {name: index for index, name in enumerate(names) if name not in hidden}
        self.names = tuple(self.positions)
        self._without: dict[frozenset[str], Columns] = {}

    def __missing__(self, name: str) -> list[Any]:
        position = self.positions.get(name)
        if position is None or self.data is None:
            raise UnknownFieldError(name, self.names)
        values = self[name] = values_of(self.data.column(position)) if self.root is self else self.root[name]
        return values

    def without(self, name: str) -> Columns:
        """The same columns with one more name hidden; always the same object for the same name."""
        return self._hiding(frozenset((name,)))

    def bare(self) -> Columns:
        """The same columns with all names hidden: for records made anew in place of a row."""
        return self._hiding(frozenset(self.names))

    def _hiding(self, names: frozenset[str]) -> Columns:
        found = self._without.get(names)
        if found is None:
            found = self._without[names] = Columns(self.data, self.origin, self.hidden | names, self.root)
        return found

    def maybe_changed(self) -> list[str]:
        """Columns of lists, structs and maps that were touched: their values can be changed in place."""
        schema = None if self.data is None else self.data.schema
        return [] if schema is None else [name for name in self.root if pa.types.is_nested(schema.field(name).type)]

    __eq__ = object.__eq__  # whether two are the same object is all that matters
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        raise TypeError("the columns of a batch are not pickled; pickle the message")


def values_of(array: pa.Array) -> list[Any]:
    """The values of an array as Python objects, as `to_pylist` gives them, by the fastest way there is for its type.

    Maps become dicts; times finer than a microsecond are cut to microseconds, which is all that Python's types hold.
    """
    types = pa.types
    kind = array.type
    if types.is_string(kind) or types.is_large_string(kind):
        return array.to_numpy(zero_copy_only=False).tolist()
    if _plain(kind):
        return _plain_values(array)
    if types.is_timestamp(kind):
        return _timestamps(array)
    if types.is_decimal(kind):
        texts = array.cast(pa.string()).to_numpy(zero_copy_only=False).tolist()
        return [None if text is None else Decimal(text) for text in texts]
    coarser = _without_nanoseconds(kind)
    if coarser != kind:
        array = array.cast(coarser, safe=False)
    return array.to_pylist(maps_as_pydicts="strict") if _has_map(kind) else array.to_pylist()


def records_of(data: pa.RecordBatch, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Some rows of a batch as dicts, with the values that `values_of` gives."""
    taken = data.take(pa.array(rows, pa.int64()))
    names = data.schema.names
    columns = [values_of(column) for column in taken.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)] or [{} for _ in rows]


def data_of(records: Sequence[Mapping[str, Any]], known: pa.Schema | None = None) -> pa.RecordBatch:
    """Records as a batch with all the names that they have, those of `known` first and with its types.

    Raises:
        pyarrow.ArrowException: The values of a column don't go together, or have no type in Arrow.
    """
    types = {} if known is None else {field.name: field.type for field in known}
    names = dict.fromkeys((*types, *(name for record in records for name in record)))
    return pa.RecordBatch.from_pydict(
        {name: pa.array([record.get(name) for record in records], types.get(name)) for name in names}
    )


def _plain(kind: pa.DataType) -> bool:
    """Types whose numpy form turns into the same Python objects."""
    types = pa.types
    return bool(
        types.is_integer(kind) or types.is_float64(kind) or types.is_float32(kind) or types.is_boolean(kind)
        or types.is_date32(kind) or (types.is_timestamp(kind) and kind.tz is None and kind.unit == "us")
    )  # fmt: skip


def _plain_values(array: pa.Array) -> list[Any]:
    if array.null_count == 0:
        return array.to_numpy(zero_copy_only=False).tolist()
    nulls = array.is_null().to_numpy(zero_copy_only=False).nonzero()[0].tolist()
    # what is under a null is not defined; as a plain number it does no harm till it is replaced
    bare = pa.Array.from_buffers(array.type, len(array), [None, array.buffers()[1]], 0, array.offset)
    values: list[Any] = bare.to_numpy(zero_copy_only=False).tolist()
    for index in nulls:
        values[index] = None
    return values


def _timestamps(array: pa.Array) -> list[Any]:
    zone = array.type.tz
    micros = array.cast(pa.timestamp("us", zone), safe=False)
    if zone is None:
        return _plain_values(micros)
    if zone != "UTC":
        return micros.to_pylist()
    values = _plain_values(micros.view(pa.timestamp("us")))
    return [None if value is None else value.replace(tzinfo=UTC) for value in values]


def _without_nanoseconds(kind: pa.DataType) -> pa.DataType:
    """The same type with microseconds in place of nanoseconds, also inside."""
    types = pa.types
    if types.is_temporal(kind) and not types.is_date(kind):
        coarser = {"timestamp": pa.timestamp("us", getattr(kind, "tz", None)), "time64": pa.time64("us")}
        return coarser.get(str(kind).split("[")[0], pa.duration("us")) if kind.unit == "ns" else kind
    if types.is_map(kind):
        return pa.map_(_without_nanoseconds(kind.key_type), _coarser_member(kind.item_field))
    if types.is_struct(kind):
        return pa.struct([_coarser_member(member) for member in kind])
    if types.is_list(kind):
        return pa.list_(_coarser_member(kind.value_field))
    return pa.large_list(_coarser_member(kind.value_field)) if types.is_large_list(kind) else kind


def _coarser_member(member: pa.Field) -> pa.Field:
    return member.with_type(_without_nanoseconds(member.type))


def _has_map(kind: pa.DataType) -> bool:
    return bool(pa.types.is_map(kind)) or any(_has_map(kind.field(index).type) for index in range(kind.num_fields))


class _Collector:
    """Counts who wants the cyclic garbage collector out of the way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pauses = 0
        self._was_on = False
        self._collected = 0.0

    def pause(self) -> None:
        with self._lock:
            if self._pauses == 0:
                self._was_on = gc.isenabled()
                self._collected = time.monotonic()
                gc.disable()
            self._pauses += 1

    def resume(self) -> None:
        with self._lock:
            self._pauses -= 1
            if self._pauses == 0 and self._was_on:
                gc.enable()
            overdue = self._pauses > 0 and self._was_on and time.monotonic() - self._collected > 1.0
            if overdue:
                self._collected = time.monotonic()
        if overdue:  # lanes that take turns would otherwise keep it off for good
            gc.collect()


_collector = _Collector()


@contextmanager
def collector_paused() -> Generator[None]:
    """Keep the cyclic garbage collector off meanwhile: thousands of rows are no garbage, and looking costs a quarter.

    May be nested and used by several threads at once; the last one out turns the collector on again if it was on.
    """
    _collector.pause()
    try:
        yield
    finally:
        _collector.resume()


__all__ = ["Columns", "UnknownFieldError", "collector_paused", "data_of", "records_of", "values_of"]
