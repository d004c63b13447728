"""Schemas: annotated classes, mappings of names to types, or Arrow schemas; all mean the same."""

from __future__ import annotations

import copy
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any, ClassVar, cast, get_args, get_origin, get_type_hints

import pyarrow as pa

from active_data_flow.core.cast import cast_batch
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.field_options import with_options
from active_data_flow.core.row import Message, Typed, standing_alone
from active_data_flow.core.types import FieldType, parse_type, type_text

_PYTHON: dict[Any, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    date: pa.date32(),
    time: pa.time64("us"),
}


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What `field` was given."""

    default: Any = ...
    description: str = ""
    alias: str | None = None
    precision: int = 38
    scale: int = 9
    timezone: str | None = "UTC"
    type: str | None = None


def field(
    *,
    default: Any = ...,
    description: str = "",
    alias: str | None = None,
    precision: int = 38,
    scale: int = 9,
    timezone: str | None = "UTC",
    type: str | None = None,  # noqa: A002  # the word documents use
) -> Any:
    """Say more of a field of a `Schema` class than its annotation does.

    Args:
        default: Value where the data has no such column, and in place of null where null isn't allowed.
        description: One line for people; travels with the Arrow schema.
        alias: Name of the column in the data, where it is another one.
        precision: Of a `Decimal`: digits in all.
        scale: Of a `Decimal`: digits behind the point.
        timezone: Of a `datetime`: its zone; None for a wall clock without zone.
        type: The exact type as documents write it, as ``"int32"``, in place of the one that the annotation means.

    Example:
        >>> class Price(Schema):
        ...     sku: str = field(alias="SKU")
        ...     amount: Decimal = field(precision=12, scale=2)
        >>> fields_of(Price)
        {'sku': 'string', 'amount': 'decimal(12,2)'}
    """
    return FieldOptions(default, description, alias, precision, scale, timezone, type)


class Schema(Typed):
    """A schema as a class with annotated fields, and the class of the messages that follow it.

    =====================  ==============================================================================
    annotation             Arrow type
    =====================  ==============================================================================
    ``int``, ``float``     int64, float64
    ``str``, ``bytes``     string, binary
    ``bool``               bool
    ``Decimal``            decimal128(38, 9); ``field(precision=12, scale=2)``
    ``date``, ``time``     date32, time64[us]
    ``datetime``           timestamp[us, UTC]; ``field(timezone="Europe/Oslo")``; ``timezone=None``: no zone
    another ``Schema``     struct
    ``list[T]``            list
    ``dict[str, T]``       map
    ``T | None``           the same, and null is allowed
    =====================  ==============================================================================

    Null is allowed only where the annotation says so. A value in the class body is the field's default.

    Raises:
        ConfigurationError: When the class is made, for an annotation that has no Arrow type or a name that every
            message has already.

    Example:
        >>> class Flight(Schema):
        ...     origin: str
        ...     dep_delay: int | None
        >>> flight = Flight(origin="EWR", dep_delay=5)
        >>> flight.dep_delay + 1, flight["origin"]
        (6, 'EWR')
    """

    __fields__: ClassVar[Mapping[str, FieldOptions]] = {}
    __arrow__: ClassVar[pa.Schema] = pa.schema([])

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **fields: Any) -> None:
        super().__init__(values, **fields)
        for name, options in type(self).__fields__.items():
            if options.default is not ... and name not in self:
                self[name] = copy.deepcopy(options.default)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        hints = {name: hint for name, hint in _hints(cls).items() if not name.startswith("_")}
        own = {name: _options(cls.__dict__.get(name, ...)) for name in cls.__annotations__ if name in hints}
        cls.__fields__ = {**cls.__fields__, **own}
        cls.__arrow__ = pa.schema(
            [_arrow_field(cls.__name__, name, hints[name], options) for name, options in cls.__fields__.items()]
        )
        for name in own:
            _refuse_taken(cls, name)
            setattr(cls, name, _attribute(name, hints[name]))


SchemaSpec = type[Schema] | Mapping[str, str] | pa.Schema
"""What a schema is given as: a `Schema` class, a mapping of field names to types as text, or an Arrow schema."""


def arrow_schema(spec: SchemaSpec) -> pa.Schema:
    """The Arrow schema that a spec means.

    Args:
        spec: A `Schema` class; a mapping of names to types as text (see `parse_type`; Python's names mean ``int``:
            int64, ``float``: float64, ``str``: string, ``bytes``: binary, ``datetime``: timestamp[us, UTC],
            ``decimal``: decimal(38,9)); or an Arrow schema, which is returned as it is.

    Raises:
        ConfigurationError: It is none of these, or names an unknown type; names the field.

    Example:
        >>> arrow_schema({"sku": "string", "seen": "datetime?"})
        sku: string not null
        seen: timestamp[us, tz=UTC]
    """
    if isinstance(spec, pa.Schema):
        return spec
    if isinstance(spec, type) and issubclass(spec, Schema):  # pyright: ignore[reportUnnecessaryIsInstance]  # comes from outside
        return spec.__arrow__
    if isinstance(spec, Mapping):
        return pa.schema([_document_field(name, text) for name, text in cast("Mapping[Any, Any]", spec).items()])
    message = f"a schema is a Schema class or a mapping of names to types (given: {spec!r})"
    raise ConfigurationError(message)


def fields_of(spec: SchemaSpec) -> dict[str, str]:
    """Names and types as text, from which `arrow_schema` makes the same types; defaults and aliases are not in it.

    Raises:
        ConfigurationError: See `arrow_schema`.
        SchemaError: A type of an Arrow schema has no name in documents.
    """
    return {member.name: type_text(member.type, nullable=member.nullable) for member in arrow_schema(spec)}


def _document_field(name: Any, text: Any) -> pa.Field:
    if not isinstance(name, str) or not isinstance(text, str):
        message = f"schema: field {name!r}: a type is a text, as int64 or string? (given: {text!r})"
        raise ConfigurationError(message)
    try:
        parsed = parse_type(text)
    except ConfigurationError as error:
        message = f"schema: field {name!r}: {error.message}"
        raise ConfigurationError(message) from error
    return pa.field(name, parsed.type, parsed.nullable)


def _hints(cls: type) -> dict[str, Any]:
    """Annotations as types; names are looked up where the class is defined, also inside a function."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the only way there
    while frame.f_back is not None and frame.f_globals.get("__name__") != cls.__module__:
        frame = frame.f_back
    try:
        hints = get_type_hints(cls, localns={**frame.f_globals, **frame.f_locals})
    except NameError as error:
        message = f"schema {cls.__name__}: {error}; types are imported and defined before the class, at run time"
        raise ConfigurationError(message) from error
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}


def _options(value: Any) -> FieldOptions:
    return value if isinstance(value, FieldOptions) else FieldOptions(default=value)


def _arrow_field(schema: str, name: str, hint: Any, options: FieldOptions) -> pa.Field:
    try:
        arrow, nullable = _field_type(hint, options)
        return with_options(
            pa.field(name, arrow, nullable),
            alias=options.alias,
            default=options.default,
            description=options.description,
        )
    except (ConfigurationError, TypeError, ValueError) as error:
        message = f"schema {schema}: field {name}: {getattr(error, 'message', error)}"
        raise ConfigurationError(message) from error


def _field_type(hint: Any, options: FieldOptions) -> FieldType:
    nullable = False
    if get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in get_args(hint) if member is not type(None)]
        nullable = len(members) < len(get_args(hint))
        if len(members) != 1:
            raise ConfigurationError(f"has one type, and None where null is allowed (given: {hint})")
        hint = members[0]
    return FieldType(_arrow_type(hint, options), nullable)


def _arrow_type(hint: Any, options: FieldOptions) -> pa.DataType:  # noqa: PLR0911  # one return a kind of hint
    if options.type is not None:
        return parse_type(options.type).type
    if hint in _PYTHON:
        return _PYTHON[hint]
    if hint is Decimal:
        return pa.decimal128(options.precision, options.scale)
    if hint is datetime:
        return pa.timestamp("us", options.timezone)
    if isinstance(hint, type) and issubclass(hint, Schema):
        return pa.struct(list(hint.__arrow__))
    arguments = [_field_type(argument, options) for argument in get_args(hint)]
    if get_origin(hint) is list and len(arguments) == 1:
        return pa.list_(pa.field("item", *arguments[0]))
    if get_origin(hint) is dict and len(arguments) == 2:
        return pa.map_(arguments[0].type, pa.field("value", *arguments[1]))
    known = "int, float, str, bytes, bool, Decimal, date, time, datetime, a Schema, list[…], dict[str, …]"
    raise ConfigurationError(f"{hint!r} has no Arrow type; there are {known}, each also with | None")


def _refuse_taken(cls: type[Schema], name: str) -> None:
    if hasattr(Message, name):
        example = f'{name}_: … = field(alias="{name}")'
        message = f"schema {cls.__name__}: field {name}: every message has {name} already; write {example}"
        raise ConfigurationError(message)


def _attribute(name: str, hint: Any) -> property:
    def write(message: Schema, value: Any) -> None:
        message[name] = value

    def remove(message: Schema) -> None:
        del message[name]

    nested = next(
        (part for part in (hint, *get_args(hint)) if isinstance(part, type) and issubclass(part, Schema)), None
    )
    return property(itemgetter(name) if nested is None else _nested(name, nested), write, remove)


def _nested(name: str, kind: type[Schema]) -> Any:
    def read(message: Schema) -> Any:
        value = message[name]
        if isinstance(value, dict) and not isinstance(value, Schema):
            value = message[name] = standing_alone(kind, cast("dict[str, Any]", value), message.metadata)
        return value

    return read


__all__ = ["FieldOptions", "Schema", "SchemaSpec", "arrow_schema", "cast_batch", "field", "fields_of"]
