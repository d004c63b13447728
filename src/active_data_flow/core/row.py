"""One record as user code sees it: a mapping that looks into a batch and keeps only what is written to it."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from operator import attrgetter
from typing import Any, Self, cast

import pyarrow as pa

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.columns import Columns, UnknownFieldError
from active_data_flow.core.near_names import near_names


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of a message beside its fields.

    Attributes:
        source: Name of the source it was read from.
        split: Id of the split.
        position: Position of the record where the source tells it, else of the batch that it came in.
        key: Key of the record, where the source has keys.
        event_time: When it happened, with zone.
        headers: Whatever else the source says about it.
    """

    source: str = ""
    split: str = ""
    position: Position = None
    key: Any = None
    event_time: datetime | None = None
    headers: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def at(self, index: int) -> Metadata:
        """Itself: the same for every row."""
        return self


@dataclass(frozen=True, slots=True)
class Origin:
    """The batch that rows are read from; makes their metadata when it is asked for."""

    batch: Batch
    source: str = ""

    def at(self, index: int) -> Metadata:
        """Metadata of the row with this number."""
        batch = self.batch
        known: dict[str, Any] = {}
        if batch.metadata is not None:
            for name in ("key", "event_time", "headers", "position"):
                if name in batch.metadata.schema.names:
                    known[name] = _scalar(batch.metadata.column(name)[index])
        if known.get("headers", ...) is None:
            del known["headers"]
        if known.get("position") is None:
            known["position"] = batch.position
        return Metadata(source=self.source, split=batch.split_id, **known)


def _scalar(scalar: pa.Scalar) -> Any:
    return scalar.as_py(maps_as_pydicts="strict") if pa.types.is_map(scalar.type) else scalar.as_py()


class _Row:
    """Key of the entry that every message holds, so that none is empty to C code that doesn't ask `len`.

    `json.dumps` writes ``{}`` for a dict without entries before it looks at its items. The key is no string, so
    that code which reads the entries directly stops with an error where it would lose fields.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<row>"


ROW: Any = _Row()
_NOWHERE = Columns(None, Metadata())
_new = dict.__new__
_held = dict.__len__


class Message(dict[str, Any]):
    """A record: a mapping of field names to values, with metadata beside it.

    It behaves as a dict in every way (`get`, ``in``, iteration, ``|``, ``del``, `json.dumps`, pickling …). Behind that
    it is a view on a row: fields are turned into Python objects when they are touched, and fields that are not touched
    travel on as they are. Libraries in C that bypass the methods of a dict subclass need ``dict(message)``.

    Args:
        values: A mapping, or pairs.
        **fields: Further fields by name.

    Raises:
        UnknownFieldError: A field is asked for that isn't there; a `KeyError` that suggests near names.

    Example:
        >>> message = Untyped({"sku": "a1", "price": 2.5})
        >>> message | {"price": message["price"] * 2}
        Untyped({'sku': 'a1', 'price': 5.0})
    """

    __slots__ = ("_columns", "_index")

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **fields: Any) -> None:
        self._columns = _NOWHERE
        self._index = 0
        self[ROW] = None
        self.update(values, **fields)

    @property
    def metadata(self) -> Metadata:
        """Source, split, position, key, event time and headers."""
        return self._columns.origin.at(self._index)

    def with_metadata(self, metadata: Metadata) -> Self:
        """A message with the same fields and other metadata, apart from any batch."""
        return cast("Self", standing_alone(type(self), self, metadata))

    def __missing__(self, key: str) -> Any:
        return self._columns[key][self._index]

    def __delitem__(self, key: str) -> None:
        own = dict.__contains__(self, key)
        if own:
            dict.__delitem__(self, key)
        if key in self._columns.positions:
            self._columns = self._columns.without(key)
        elif not own:
            raise UnknownFieldError(key, self)

    def __contains__(self, key: object) -> bool:
        return key in self._columns.positions or (dict.__contains__(self, key) and key is not ROW)

    def __iter__(self) -> Iterator[str]:
        columns = self._columns.positions
        yield from columns
        for key in dict.keys(self):
            if key not in columns and key is not ROW:
                yield key

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return next(iter(self), ROW) is not ROW

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self))

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """The names of the fields."""
        return KeysView(self)

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """The values of the fields."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Names and values of the fields."""
        return ItemsView(self)

    def get(self, key: str, default: Any = None, /) -> Any:
        """The value of a field, or `default` where there is no such field."""
        try:
            return self[key]
        except UnknownFieldError:
            return default

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """The value of a field, which is set to `default` first where it isn't there."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str, /, *default: Any) -> Any:
        """Remove a field and return its value, or the default where there is no such field."""
        if default and key not in self:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last field and return its name and value."""
        for key in reversed(self):
            return key, self.pop(key)
        raise KeyError("popitem(): the message has no fields")

    def clear(self) -> None:
        """Remove all fields."""
        for key in list(self):
            del self[key]

    def copy(self) -> Self:
        """A message with the same fields, that still passes untouched fields through."""
        other = _new(self.__class__)
        other._columns = self._columns  # noqa: SLF001  # as a constructor does
        other._index = self._index  # noqa: SLF001  # likewise
        other[ROW] = None
        if _held(self) > 1:
            other.update(dict.items(self))  # the pairs that it holds; as a mapping it would give all its fields
        return other

    @classmethod
    def fromkeys(cls, keys: Iterable[str], value: Any = None, /) -> Self:  # type: ignore[override]
        """A message with these fields, all with the same value."""
        return cls(dict.fromkeys(keys, value))

    def __or__(self, other: Any) -> Self:  # type: ignore[override]
        if other.__class__ is not dict and not isinstance(other, Mapping):
            return NotImplemented
        merged = _new(self.__class__)  # `copy`, written out: this is how most transforms end
        merged._columns = self._columns  # as a constructor does
        merged._index = self._index  # likewise
        merged[ROW] = None
        if _held(self) > 1:
            merged.update(dict.items(self))
        merged.update(other)
        return merged

    def __ror__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]
        return {**other, **self} if isinstance(other, Mapping) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return dict(self.items()) == dict(cast("Mapping[str, Any]", other).items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return standing_alone, (type(self), dict(self), self.metadata)


def standing_alone(kind: type[Message], values: Mapping[str, Any], metadata: Metadata) -> Message:
    """A message of this class with these fields and no others, apart from any batch."""
    message = _new(kind)
    Message.__init__(message, values)
    message._columns = Columns(None, metadata)  # noqa: SLF001  # builds it, as a constructor does  # pyright: ignore[reportPrivateUsage]  # likewise
    return message


class Untyped(Message):
    """A message whose fields are whatever the data has."""

    __slots__ = ()


class _TypedType(type):
    """Gives subclasses no room for attributes that aren't fields, so that a misspelt one is an error."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> type:
        namespace.setdefault("__slots__", ())
        return super().__new__(mcs, name, bases, namespace, **options)


class Typed(Message, metaclass=_TypedType):
    """A message whose fields are declared by a `Schema` class, and are its attributes as well as its items."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        near = near_names(name, [key for key in self if key.isidentifier()], others=False)
        message = f"{type(self).__name__} has no field {name!r}{near}"
        raise AttributeError(message, name=name, obj=self)


def rows_of(columns: Columns, kind: type[Message]) -> Iterator[Message]:
    """A message for each row of the columns, in order."""
    count = 0 if columns.data is None else columns.data.num_rows
    for index, row in enumerate(map(_new, repeat(kind, count))):
        row._columns = columns  # noqa: SLF001  # builds it, as a constructor does  # pyright: ignore[reportPrivateUsage]  # likewise
        row._index = index  # noqa: SLF001  # likewise  # pyright: ignore[reportPrivateUsage]  # likewise
        row[ROW] = None
        yield row


def row_at(columns: Columns, index: int, kind: type[Message], written: Iterable[tuple[str, Any]]) -> Message:
    """A message that looks into a row and holds what was written to it."""
    row = _new(kind)
    row._columns = columns  # noqa: SLF001  # builds it, as a constructor does  # pyright: ignore[reportPrivateUsage]  # likewise
    row._index = index  # noqa: SLF001  # likewise  # pyright: ignore[reportPrivateUsage]  # likewise
    row[ROW] = None
    for key, value in written:
        row[key] = value
    return row


def place_of(message: Message) -> tuple[Columns, int]:
    """The columns that a message looks into, and the number of its row."""
    return message._columns, message._index  # noqa: SLF001  # for the mapper only  # pyright: ignore[reportPrivateUsage]  # likewise


bare_row: Callable[[type[Message]], Message] = dict.__new__
"""A message without anything: its place and its entry `ROW` have to be set."""
columns_of: Callable[[Message], Columns] = attrgetter("_columns")
index_of: Callable[[Message], int] = attrgetter("_index")
"""Parts of `place_of`, at the speed of C."""

__all__ = [
    "ROW",
    "Message",
    "Metadata",
    "Origin",
    "Typed",
    "Untyped",
    "place_of",
    "row_at",
    "rows_of",
    "standing_alone",
]
