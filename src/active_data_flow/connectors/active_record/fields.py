"""The fields of a model as columns of data: which there are, of what type, and what fills those that the data lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.sql.types import NAIVE, UTC
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names

UNBOUNDED_DECIMAL = pa.decimal128(38, 20)
_PLAIN: dict[str, pa.DataType] = {
    "BooleanField": pa.bool_(),
    "NullBooleanField": pa.bool_(),
    "FloatField": pa.float64(),
    "BinaryField": pa.binary(),
    "DateField": pa.date32(),
    "TimeField": pa.time64("us"),
    "DurationField": pa.duration("us"),
    **dict.fromkeys(
        (
            "CharField",
            "CommaSeparatedIntegerField",
            "EmailField",
            "FileField",
            "FilePathField",
            "GenericIPAddressField",
            "IPAddressField",
            "JSONField",
            "SlugField",
            "TextField",
            "URLField",
            "UUIDField",
        ),
        pa.string(),
    ),
}
_INTEGERS: tuple[tuple[pa.DataType, int], ...] = ((pa.int16(), 2**15), (pa.int32(), 2**31), (pa.int64(), 2**63))


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field of a model, as data fills it.

    Attributes:
        name: Name of the column in the data: the field's, or of a foreign key also that of its attribute.
        field: Django's field.
        type: Type that values are cast to; None where they are taken as they come.
        reference: Of a foreign key: the field of the other model that the data names its row by; empty: its key.
    """

    name: str
    field: Any
    type: pa.DataType | None
    reference: str = ""

    @property
    def attribute(self) -> str:
        """Where an instance has the value."""
        return str(self.field.attname)

    @property
    def kind(self) -> str:
        """Django's word for what is stored; of a foreign key that of what it points to."""
        return _kind(self.field)


@dataclass(frozen=True, slots=True)
class Typing:
    """What types depend on beside the fields.

    Attributes:
        zoned: Whether the project has time zones.
        ranges: Kind of an integer field -> least and greatest value in the database; None: any.
    """

    zoned: bool
    ranges: Any

    def of(self, field: Any) -> pa.DataType | None:
        """Type of a field's values in batches; None where nothing is known of them."""
        field = target_of(field)
        kind = _kind(field)
        if kind == "DateTimeField":
            return UTC if self.zoned else NAIVE
        if kind == "DecimalField":
            return _decimal(field)
        if kind == "ArrayField":
            element = self.of(field.base_field)
            return None if element is None else pa.list_(element)
        if kind.endswith(("IntegerField", "AutoField")):
            return _integer(self.ranges(kind))
        return _PLAIN.get(kind)


def writable_fields(model: Any) -> list[Any]:
    """The fields that have a column of their own and are not computed by the database."""
    return [field for field in model._meta.concrete_fields if field.column and not _is_generated(field)]


def field_names(model: Any) -> dict[str, Any]:
    """Fields by the names that data may have for them."""
    fields = writable_fields(model)
    return {field.attname: field for field in fields} | {field.name: field for field in fields}


def field_named(model: Any, name: str, option: str) -> Any:
    """A field of the model, by an option.

    Raises:
        ConfigurationError: It has none of that name; suggests near names.
    """
    fields = field_names(model)
    found = model._meta.pk if name == "pk" else fields.get(name)
    if found is None:
        message = f"{option}: model {model._meta.label} has no field {name}{near_names(name, fields)}"
        raise ConfigurationError(message, connector="active_record")
    return found


def chosen_fields(
    model: Any, names: Sequence[str], typing: Typing, references: Mapping[str, str]
) -> tuple[list[ModelField], list[str]]:
    """The fields that columns of data fill, in the data's order, and the columns that no field is there for."""
    known, found, unknown = field_names(model), list[ModelField](), list[str]()
    for name in names:
        field = known.get(name)
        if field is None:
            unknown.append(name)
            continue
        reference = references.get(field.name, "") if name == field.name else ""
        source = field.related_model._meta.get_field(reference) if reference else field
        found.append(ModelField(name, field, typing.of(source), reference))
    return found, unknown


def target_of(field: Any) -> Any:
    """What a foreign key points to, in the end, and what a generated field computes; else the field itself."""
    while True:
        if getattr(field, "remote_field", None) is not None and getattr(field, "target_field", None) is not None:
            field = field.target_field
        elif _is_generated(field):
            field = field.output_field
        else:
            return field


def fills_itself(field: Any) -> bool:
    """Whether a new row gets a value for the field where the data has none."""
    empty_text = field.empty_strings_allowed and not field.null and field.get_default() == ""
    return bool(
        field.null
        or field.has_default()
        or field.has_db_default()
        or is_automatic_key(field)
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
        or empty_text
    )


def is_automatic_key(field: Any) -> bool:
    """Whether the database numbers the rows by the field."""
    return bool(field.primary_key and _kind(field).endswith("AutoField") and field.remote_field is None)


def is_custom(field: Any) -> bool:
    """Whether a class of the user's own says how values of the field are stored."""
    methods = ("pre_save", "get_prep_value", "get_db_prep_value", "get_db_prep_save")
    kind = type(target_of(field))
    return any(not getattr(kind, name).__module__.startswith("django.") for name in methods)


def _is_generated(field: Any) -> bool:
    return bool(getattr(field, "generated", False))


def _kind(field: Any) -> str:
    return str(target_of(field).get_internal_type())


def _decimal(field: Any) -> pa.DataType:
    digits, places = getattr(field, "max_digits", None), getattr(field, "decimal_places", None)
    if digits is None or places is None:
        return UNBOUNDED_DECIMAL
    return pa.decimal128(digits, places) if digits <= 38 else pa.decimal256(min(digits, 76), places)


def _integer(ends: tuple[int | None, int | None]) -> pa.DataType:
    low, high = ends
    if low is None or high is None:
        return pa.int64()
    fitting = (kind for kind, limit in _INTEGERS if -limit <= low and high < limit)
    return next(fitting, pa.int64())


__all__ = [
    "ModelField",
    "Typing",
    "chosen_fields",
    "field_named",
    "field_names",
    "fills_itself",
    "is_automatic_key",
    "is_custom",
    "target_of",
    "writable_fields",
]
