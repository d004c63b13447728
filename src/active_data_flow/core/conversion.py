"""Converting one column to a field, nested ones too, with a fault for each row that doesn't fit."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa

from active_data_flow.core.columns import values_of
from active_data_flow.core.conversions import convert_plain
from active_data_flow.core.errors import SchemaError
from active_data_flow.core.field_options import alias_of, default_of, has_default
from active_data_flow.core.kernels import pc
from active_data_flow.core.types import type_text

_SHOWN = 80


class Fault(NamedTuple):
    """Why a row doesn't fit.

    Attributes:
        field: Path of the field, as ``address.zip``.
        reason: What was given, and what it doesn't fit.
    """

    field: str
    reason: str

    @property
    def text(self) -> str:
        """Field and reason."""
        return f"{self.field}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Converted:
    """A column with the type of a field.

    Attributes:
        array: The values; null in the rows that don't fit.
        faults: Row number -> why it doesn't fit.
    """

    array: pa.Array
    faults: dict[int, Fault] = attribute(default_factory=dict[int, Fault])


def convert(array: pa.Array, field: pa.Field, path: str = "") -> Converted:
    """The column as `field` wants it: its type, its default in place of null where null isn't allowed.

    Args:
        array: The values, of any type.
        field: Type, nullability, and default.
        path: Name of the field in faults; default: its name.
    """
    path = path or field.name
    converted = Converted(array) if array.type == field.type else _to_type(_bare(array), field.type, path)
    if field.nullable or array.null_count == 0:
        return converted
    return _without_nulls(array, converted, field, path)


def default_array(field: pa.Field, count: int) -> pa.Array:
    """The default of a field, `count` times.

    Raises:
        SchemaError: The default doesn't fit the field's own type.
    """
    one = convert(pa.array([default_of(field)]), pa.field(field.name, field.type))
    for fault in one.faults.values():
        raise SchemaError(f"the default of a field doesn't fit it: {fault.text}")
    return pa.concat_arrays([one.array] * count) if count else one.array[:0]


def _bare(array: pa.Array) -> pa.Array:
    """Without dictionary or extension around the values."""
    if pa.types.is_dictionary(array.type):
        return array.cast(array.type.value_type)
    return _bare(array.storage) if isinstance(array, pa.ExtensionArray) else array


def _without_nulls(array: pa.Array, converted: Converted, field: pa.Field, path: str) -> Converted:
    if has_default(field):
        filled = pc.if_else(array.is_valid(), converted.array, default_array(field, len(array)))
        return Converted(filled, converted.faults)
    kind = type_text(field.type)
    fault = Fault(path, f"is null, but {kind} allows no null ({kind}? does)")
    faults = dict.fromkeys(pc.indices_nonzero(array.is_null()).to_pylist(), fault)
    return Converted(converted.array, converted.faults | faults)


def _to_type(array: pa.Array, target: pa.DataType, path: str) -> Converted:  # noqa: PLR0911  # one a kind of type
    types = pa.types
    if array.type == target:
        return Converted(array)
    if types.is_dictionary(target):
        plain = _to_type(array, target.value_type, path)
        return Converted(plain.array.cast(target), plain.faults)
    if _is_list(array.type) and (types.is_list(target) or types.is_large_list(target)):
        return _list(array, target, path)
    if types.is_struct(array.type) and types.is_struct(target):
        return _struct(array, target, path)
    if types.is_map(array.type) and types.is_map(target):
        return _map(array, target, path)
    if types.is_struct(array.type) and types.is_map(target):
        return _struct_as_map(array, target, path)
    result, failing = convert_plain(array, target)
    if not failing:
        return Converted(result)
    values = values_of(array.take(pa.array(failing, pa.int64())))
    kind = type_text(target)
    reasons = (Fault(path, f"{_shown(value)} does not fit {kind}") for value in values)
    return Converted(result, dict(zip(failing, reasons, strict=True)))


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _list(array: pa.Array, target: pa.DataType, path: str) -> Converted:
    members = convert(array.flatten(), target.value_field, path)
    result = _nested(array, target, [_offsets(array, target)], [members.array])
    return _with_faults(result, _of_parents(array, members.faults))


def _map(array: pa.Array, target: pa.DataType, path: str) -> Converted:
    array = _as_list(array)
    entries = array.flatten()
    keys = convert(entries.field(0), target.key_field, path)
    items = convert(entries.field(1), target.item_field, path)
    pairs = pa.StructArray.from_arrays([keys.array, items.array], fields=[_nullable(part) for part in _pair(target)])
    result = _nested(array, target, [_offsets(array, target)], [_relabel(pairs, _entry(target))])
    return _with_faults(result, _of_parents(array, keys.faults | items.faults))


def _as_list(array: pa.Array) -> pa.Array:
    """A map as the list of pairs that it is; Arrow's functions on lists don't take maps."""
    keys, items = cast("Any", array).keys, cast("Any", array).items
    pairs = pa.StructArray.from_arrays([keys, items], fields=[_nullable(part) for part in _pair(array.type)])
    buffers = array.buffers()[:2]
    kind = pa.list_(pairs.type)
    return pa.Array.from_buffers(kind, len(array), buffers, array.null_count, array.offset, children=[pairs])


def _struct(array: pa.Array, target: pa.DataType, path: str) -> Converted:
    valid = None if array.null_count == 0 else array.is_valid()
    faults: dict[int, Fault] = {}
    children: list[pa.Array] = []
    for member in target:
        child = _member(array, member)
        if valid is not None:
            child = pc.if_else(valid, child, None)
        converted = convert(child, member, f"{path}.{member.name}")
        children.append(converted.array)
        faults = converted.faults | faults
    if valid is not None:
        faults = {row: fault for row, fault in faults.items() if valid[row].as_py()}
    return _with_faults(_nested(array, target, [], children), faults)


def _member(array: pa.Array, member: pa.Field) -> pa.Array:
    names = [part.name for part in array.type]
    name = next((name for name in (alias_of(member), member.name) if name in names), None)
    if name is not None:
        return array.field(names.index(name))
    return default_array(member, len(array)) if has_default(member) else pa.nulls(len(array), member.type)


def _struct_as_map(array: pa.Array, target: pa.DataType, path: str) -> Converted:
    """Members become entries; those that are null are left out (a JSON object without a member looks the same)."""
    count, width = len(array), array.type.num_fields
    if width == 0:
        return Converted(pa.array([{} if ok else None for ok in array.is_valid().to_pylist()], target))
    members = [convert(child, pa.field("value", target.item_type), path) for child in array.flatten()]
    faults = {row: fault for member in members for row, fault in member.faults.items()}
    by_row = np.arange(count * width).reshape(width, count).T.ravel()
    items = pa.concat_arrays([member.array for member in members]).take(pa.array(by_row))
    keys = pa.array(np.tile(np.array([part.name for part in array.type], object), count), pa.string())
    present = items.is_valid()
    lengths = present.to_numpy(zero_copy_only=False).reshape(count, width).sum(axis=1)
    offsets = pa.array(np.concatenate(([0], lengths.cumsum())), pa.int32())
    pairs = pa.StructArray.from_arrays(
        [convert(keys.filter(present), target.key_field).array, items.filter(present)],
        fields=[_nullable(part) for part in _pair(target)],
    )
    result = _nested(array, target, [offsets.buffers()[1]], [_relabel(pairs, _entry(target))])
    return _with_faults(result, faults)


def _pair(target: pa.DataType) -> tuple[pa.Field, pa.Field]:
    return target.key_field, target.item_field


def _entry(target: pa.DataType) -> pa.DataType:
    return target.field(0).type


def _nullable(field: pa.Field) -> pa.Field:
    return field.with_nullable(True)


def _relabel(array: pa.Array, target: pa.DataType) -> pa.Array:
    """The same struct with a type that differs in nullability only."""
    children = [array.field(index) for index in range(array.type.num_fields)]
    return _nested(array, target, [], children)


def _nested(array: pa.Array, target: pa.DataType, buffers: list[Any], children: list[pa.Array]) -> pa.Array:
    """An array with these children that is null where `array` is."""
    validity = None if array.null_count == 0 else array.is_valid().buffers()[1]
    return pa.Array.from_buffers(target, len(array), [validity, *buffers], array.null_count, children=children)


def _offsets(array: pa.Array, target: pa.DataType) -> Any:
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy()
    kind = np.int64 if pa.types.is_large_list(target) else np.int32
    return pa.py_buffer(np.concatenate(([0], lengths.cumsum())).astype(kind))


def _of_parents(array: pa.Array, faults: dict[int, Fault]) -> dict[int, Fault]:
    if not faults:
        return {}
    parents = pc.list_parent_indices(array)
    return {parents[member].as_py(): fault for member, fault in reversed(faults.items())}


def _with_faults(array: pa.Array, faults: dict[int, Fault]) -> Converted:
    """Null in place of the values at fault."""
    if not faults:
        return Converted(array)
    good = np.ones(len(array), bool)
    good[list(faults)] = False
    return Converted(pc.if_else(pa.array(good), array, None), faults)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


__all__ = ["Converted", "Fault", "convert", "default_array"]
