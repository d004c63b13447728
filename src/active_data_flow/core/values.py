"""Python values that user code has written, as Arrow arrays: which type they mean, and which of them don't fit one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, cast

import numpy as np
import pyarrow as pa

from active_data_flow.core.conversion import Converted, Fault, convert
from active_data_flow.core.types import type_text

_NULL = type(None)
_NESTED = frozenset((list, dict))
_PLAIN: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    date: pa.date32(),
    time: pa.time64("us"),
    timedelta: pa.duration("us"),
}
_KNOWN = frozenset((*_PLAIN, datetime, Decimal, _NULL))
_ERRORS = (pa.ArrowException, OverflowError, TypeError, ValueError)
_DECIMAL_DIGITS, _DECIMAL_SCALE = 38, 9


def plain_values(values: list[Any]) -> list[Any]:
    """The same values, with subclasses and numpy's scalars turned into the plain types that Arrow knows."""
    return values if set(map(type, values)) <= _KNOWN else [_plain(value) for value in values]


def type_of(values: Sequence[Any], current: pa.DataType | None = None) -> pa.DataType | None:
    """The type that plain values mean.

    Args:
        values: Values as `plain_values` gives them.
        current: The type that the column has so far; kept where all values fit it, or where they are of several kinds.

    Returns:
        int64, double, string, bool, binary, date32, time64[us], duration[us], timestamp[us] or [us, UTC],
        decimal128(38, 9) or of a greater scale, list or struct; None where the values don't tell (all are null, or are
        empty lists) and there is no current type.
    """
    kinds = set(map(type, values)) - {_NULL}
    if not kinds or (current is not None and (_are_mixed(kinds) or _all_fit(values, kinds, current))):
        return current
    natural = _natural(values, kinds)
    return current if natural is None else natural


def array_of(values: list[Any], field: pa.Field, *, lenient: bool = False) -> Converted:
    """Plain values as a column of a field's type, with a fault for each that doesn't fit.

    Args:
        values: Values as `plain_values` gives them.
        field: Name, type and whether null is allowed.
        lenient: Convert as `cast_batch` does (a text that reads as a number becomes one); else only whole numbers
            become floats and decimals.
    """
    kinds = set(map(type, values)) - {_NULL}
    array = _direct(values, kinds, field.type)
    if array is not None:
        return convert(array, field)
    if lenient:
        with suppress(*_ERRORS):
            natural = _natural(values, kinds)
            if natural is not None and _all_fit(values, kinds, natural):
                return convert(pa.array(values, natural), field)
    return _one_by_one(values, field, lenient=lenient)


def _one_by_one(values: list[Any], field: pa.Field, *, lenient: bool) -> Converted:
    parts: list[pa.Array] = []
    faults: dict[int, Fault] = {}
    for index, value in enumerate(values):
        array = None if value is None else _direct([value], {type(value)}, field.type)
        if array is None and lenient and value is not None:
            array = _converted(value, field.type)
        if array is None and value is not None:
            faults[index] = Fault(field.name, f"{_shown(value)} ({type(value).__name__}) does not fit {_text(field)}")
        parts.append(pa.nulls(1, field.type) if array is None else array)
    column = convert(pa.concat_arrays(parts), field)
    return Converted(column.array, column.faults | faults)


def _converted(value: Any, target: pa.DataType) -> pa.Array | None:
    with suppress(*_ERRORS):
        natural = _natural([value], {type(value)})
        if natural is not None:
            converted = convert(pa.array([value], natural), pa.field("value", target))
            return None if converted.faults else converted.array
    return None


def _direct(values: Sequence[Any], kinds: set[type], target: pa.DataType) -> pa.Array | None:
    """The array, where all values are of the kind of the type and none loses anything."""
    if not _all_kinds_fit(values, kinds, target):
        return None
    with suppress(*_ERRORS):
        if pa.types.is_temporal(target) and not pa.types.is_date(target):
            return pa.array(values, _in_micros(target)).cast(target)  # Arrow cuts off what a coarse unit can't hold
        if pa.types.is_decimal(target):
            array = pa.array(values, target)
            return array if _is_exact(array, values) else None
        if pa.types.is_floating(target) and int in kinds:
            return pa.array([None if value is None else float(value) for value in values], target)
        return pa.array(values, target)
    return None


def _is_exact(array: pa.Array, values: Sequence[Any]) -> bool:
    """Whether decimals are what they were: Arrow makes other numbers of some that have very many digits."""
    texts = list(map(str, values))
    few = max(map(len, texts), default=0) <= _DECIMAL_DIGITS and "E" not in "".join(texts)
    return few or array.to_pylist() == list(values)


def _all_fit(values: Sequence[Any], kinds: set[type], target: pa.DataType) -> bool:
    return _direct(values, kinds, target) is not None


def _all_kinds_fit(values: Sequence[Any], kinds: set[type], target: pa.DataType) -> bool:
    if not kinds <= _kinds_of(target):
        return False
    if pa.types.is_nested(target):
        return all(value is None or _fits(value, target) for value in values)
    if datetime in kinds:
        return all(value is None or (value.tzinfo is None) == (target.tz is None) for value in values)
    return True


def _fits(value: Any, target: pa.DataType) -> bool:
    """Whether a value has the type all the way down; Arrow drops members and fractions without a word."""
    types = pa.types
    if value is None:
        return True
    if types.is_struct(target):
        members = {member.name: member for member in target}
        return (
            isinstance(value, dict)
            and value.keys() <= members.keys()
            and all(_member_fits(value.get(name), member) for name, member in members.items())
        )
    if types.is_map(target):
        return isinstance(value, dict) and all(
            _fits(key, target.key_type) and _member_fits(item, target.item_field) for key, item in value.items()
        )
    if types.is_nested(target):
        return isinstance(value, list) and all(_member_fits(item, target.value_field) for item in cast("Any", value))
    return _direct([value], {type(value)}, target) is not None


def _member_fits(value: Any, member: pa.Field) -> bool:
    return (member.nullable or value is not None) and _fits(value, member.type)


def _kinds_of(target: pa.DataType) -> frozenset[type]:
    """Python's types whose values a column of this type takes as they are."""
    types = pa.types
    rules: tuple[tuple[Any, tuple[type, ...]], ...] = (
        (types.is_boolean, (bool,)),
        (types.is_integer, (int,)),
        (types.is_floating, (float, int)),
        (types.is_decimal, (Decimal, int)),
        (types.is_date, (date,)),
        (types.is_timestamp, (datetime,)),
        (types.is_time, (time,)),
        (types.is_duration, (timedelta,)),
        (types.is_struct, (dict,)),
        (types.is_map, (dict,)),
        (types.is_nested, (list,)),
        (lambda kind: types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind), (str,)),
        (lambda kind: "binary" in str(kind), (bytes,)),
    )
    return next((frozenset(kinds) for applies, kinds in rules if applies(target)), frozenset())


def _natural(values: Sequence[Any], kinds: set[type]) -> pa.DataType | None:
    if len(kinds) == 1 and (plain := _PLAIN.get(next(iter(kinds)))) is not None:
        return plain
    if kinds == {int, float}:
        return pa.float64()
    if kinds <= {Decimal, int}:
        return pa.decimal128(_DECIMAL_DIGITS, max(_DECIMAL_SCALE, *map(_scale, values)))
    first = next(value for value in values if value is not None)
    if kinds == {datetime}:
        return pa.timestamp("us", None if first.tzinfo is None else "UTC")
    if kinds <= _NESTED and len(kinds) == 1:
        return _nested(values)
    return None if len(kinds) == 1 else _natural([first], {type(first)})


def _are_mixed(kinds: set[type]) -> bool:
    return len(kinds) > 1 and not (kinds <= {int, float} or kinds <= {int, Decimal})


def _nested(values: Sequence[Any]) -> pa.DataType | None:
    with suppress(*_ERRORS):
        inferred = _widened(pa.infer_type(values))
        return None if _untold(inferred) else inferred
    return None


def _widened(kind: pa.DataType) -> pa.DataType:
    """Decimals inside with room for later values."""
    types = pa.types
    if types.is_decimal(kind):
        return pa.decimal128(_DECIMAL_DIGITS, max(_DECIMAL_SCALE, kind.scale))
    if types.is_list(kind):
        return pa.list_(_widened(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([pa.field(member.name, _widened(member.type)) for member in kind])
    return kind


def _untold(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_struct(kind):
        return kind.num_fields == 0 or any(_untold(member.type) for member in kind)
    return bool(types.is_null(kind)) or (types.is_list(kind) and _untold(kind.value_type))


def _in_micros(target: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_timestamp(target):
        return pa.timestamp("us", target.tz)
    return pa.time64("us") if types.is_time(target) else pa.duration("us")


def _scale(value: Any) -> int:
    return min(_digits_behind(value), _DECIMAL_DIGITS)


def _digits_behind(value: Any) -> int:
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return -exponent if isinstance(exponent, int) else 0


def _plain(value: Any) -> Any:  # noqa: PLR0911  # one return a kind of value
    if type(value) in _KNOWN:
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, AbstractSet, np.ndarray)):
        return [_plain(item) for item in cast("Iterable[Any]", value)]
    kinds: tuple[Any, ...] = (int, float, str, bytes, Decimal)
    for kind in kinds:
        if isinstance(value, kind):
            return kind(value)
    return datetime.fromisoformat(value.isoformat()) if isinstance(value, datetime) else value


def _text(field: pa.Field) -> str:
    return f"{type_text(field.type)} (declare the type with output_schema)"


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


__all__ = ["array_of", "plain_values", "type_of"]
