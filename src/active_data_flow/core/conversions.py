"""Turning an Arrow array of plain values into another type, whole columns at a time; tells which values don't fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from active_data_flow.core.kernels import pc

Rule = Callable[[pa.Array], pa.Array]
"""Converts all values at once; raises `pa.ArrowInvalid` where one of them doesn't fit."""

_TRUE = ("true", "t", "yes", "y", "on", "1")
_FALSE = ("false", "f", "no", "n", "off", "0")
_ZONED = r"\d[ T]\d{2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}(:?\d{2})?)$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_FLOAT = r"^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:[+-]?(nan|inf|infinity)))$"
_LONG, _LARGE_EXPONENT = 28, r"[eE][+-]?\d{2}"
_ROOM = Context(prec=200)
_INTEGER = r"^([+-]?\d+|0[xX][0-9a-fA-F]+)$"
_DATE = r"^\d{4}-\d{2}-\d{2}"
_TIME = r"^\d{2}(:\d{2})?"


def convert_plain(array: pa.Array, target: pa.DataType) -> tuple[pa.Array, list[int]]:
    """The values as `target`, with null in place of those that don't fit, and the indices of these.

    What is accepted:

    - text: numbers, dates, times and timestamps in ISO form with blanks around them; a timestamp without offset is
      taken as local to the target's zone; ``true/false``, ``yes/no``, ``on/off``, ``t/f``, ``y/n``, ``1/0`` as bool;
    - numbers: whatever keeps its value; what becomes a float, and a float that becomes a decimal, is rounded;
    - a timestamp becomes a date only at midnight; between zones the instant is kept; without zone it gets the
      target's, and loses it by its wall clock;
    - everything becomes text.
    """
    if array.type == target:
        return array, []
    rule = _rule(array.type, target)
    if rule is None:
        return pa.nulls(len(array), target), _valid(array)
    try:
        return rule(array), []
    except pa.ArrowInvalid:
        return _without_failing(array, target, rule)


def _without_failing(array: pa.Array, target: pa.DataType, rule: Rule) -> tuple[pa.Array, list[int]]:
    if _is_text(array.type):
        array = pc.replace_substring_regex(pc.utf8_trim_whitespace(array), r"^\+(\d|\.)", r"\1")  # Arrow reads no "+1"
    implausible = _implausible(array, target)
    plausible = array if implausible is None else pc.if_else(implausible, None, array)
    failing = _failing(plausible, rule, 0)
    if failing:
        good = pa.array([True] * len(array)).to_numpy(zero_copy_only=False).copy()
        good[failing] = False
        plausible = pc.if_else(pa.array(good), plausible, None)
    if implausible is not None:
        failing = sorted({*failing, *_true(implausible)})
    return rule(plausible), failing


def _failing(array: pa.Array, rule: Rule, start: int) -> list[int]:
    """Indices of the values that don't fit, by halves."""
    if array.null_count == len(array):
        return []
    try:
        rule(array)
    except pa.ArrowInvalid:
        if len(array) == 1:
            return [start]
        middle = len(array) // 2
        return _failing(array[:middle], rule, start) + _failing(array[middle:], rule, start + middle)
    return []


def _implausible(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    """Texts that can't be meant as the target, seen by their form; spares a column of garbage the search by halves."""
    pattern = _pattern(target) if _is_text(array.type) else None
    return None if pattern is None else pc.fill_null(pc.invert(pc.match_substring_regex(array, pattern)), False)


def _pattern(target: pa.DataType) -> str | None:
    types = pa.types
    kinds: tuple[tuple[Callable[[Any], bool], str], ...] = (
        (types.is_integer, _INTEGER),
        (types.is_floating, _FLOAT),
        (types.is_decimal, _NUMBER),
        (types.is_date, _DATE),
        (types.is_timestamp, _DATE),
        (types.is_time, _TIME),
    )
    return next((pattern for fits, pattern in kinds if fits(target)), None)


def _rule(source: pa.DataType, target: pa.DataType) -> Rule | None:  # noqa: PLR0911  # one return a kind of type
    types = pa.types
    if types.is_null(source):
        return lambda array: pa.nulls(len(array), target)
    if _is_text(source):
        return _from_text(target)
    if _is_text(target):
        return _cast(target) if not types.is_nested(source) else None
    if types.is_boolean(source) or types.is_integer(source):
        return _from_integer(source, target)
    if types.is_floating(source):
        return _from_float(target)
    if types.is_decimal(source):
        return _cast(target) if _is_number(target) else None
    if types.is_temporal(source):
        return _from_temporal(source, target)
    return _cast(target) if _is_bytes(source) and _is_bytes(target) else None


def _cast(target: pa.DataType, *, safe: bool = True) -> Rule:
    return lambda array: array.cast(target, safe=safe)


def _from_text(target: pa.DataType) -> Rule | None:
    types = pa.types
    if types.is_boolean(target):
        return _words
    if types.is_timestamp(target):
        return _cast(target) if target.tz is None else lambda array: _local_or_zoned(array, target)
    if types.is_time(target):
        return lambda array: _clock(array, target)
    if types.is_decimal(target):
        return lambda array: _decimals(array, target)
    fits = _is_text(target) or _is_bytes(target) or _is_number(target) or types.is_date(target)
    return _cast(target) if fits else None


def _decimals(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Texts as decimals; very long ones and large exponents by Python, as Arrow takes some of them for zero."""
    long = pc.greater(pc.binary_length(array), _LONG)
    with_exponent = pc.or_(pc.match_substring(array, "e"), pc.match_substring(array, "E"))
    if not pc.any(pc.or_(long, with_exponent)).as_py():
        return array.cast(target)
    suspect = pc.fill_null(pc.or_(long, pc.match_substring_regex(array, _LARGE_EXPONENT)), False)
    exact = [_exactly(text, target) for text in array.filter(suspect).to_pylist()]
    rest = pc.if_else(suspect, None, array).cast(target)
    return pc.replace_with_mask(rest, suspect, pa.array(exact, target))


def _exactly(text: str, target: pa.DataType) -> Decimal:
    try:
        value = Decimal(text) if re.match(_NUMBER, text) else Decimal("nan")
        exact = value.quantize(Decimal(1).scaleb(-target.scale), context=_ROOM)
    except InvalidOperation as error:
        raise pa.ArrowInvalid("no decimal of this type") from error
    if exact != value or abs(exact) >= Decimal(10) ** (target.precision - target.scale):
        raise pa.ArrowInvalid("does not fit")
    return exact


def _words(array: pa.Array) -> pa.Array:
    found = pc.index_in(pc.utf8_lower(array), pa.array((*_TRUE, *_FALSE), array.type))
    if found.null_count > array.null_count:
        raise pa.ArrowInvalid("no word for true or false")
    return pc.less(found, len(_TRUE))


def _local_or_zoned(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Arrow wants an offset in all texts or in none."""
    local = pa.timestamp(target.unit)
    for whole in (lambda: _in_zone(array.cast(local), target), lambda: array.cast(target)):
        with suppress(pa.ArrowInvalid):
            return whole()
    zoned = pc.match_substring_regex(array, _ZONED)
    with_zone = pc.if_else(zoned, array, None).cast(target)
    return pc.coalesce(with_zone, _in_zone(pc.if_else(zoned, None, array).cast(local), target))


def _clock(array: pa.Array, target: pa.DataType) -> pa.Array:
    day = pa.scalar("1970-01-01", array.type)  # Arrow reads no bare times
    moments = pc.binary_join_element_wise(day, array, pa.scalar(" ", array.type))
    return moments.cast(pa.timestamp(target.unit)).cast(target)


def _from_integer(source: pa.DataType, target: pa.DataType) -> Rule | None:
    types = pa.types
    if types.is_boolean(target):
        return _zero_or_one
    if types.is_floating(target):
        return _cast(target, safe=False)
    if types.is_decimal(target):
        whole = pa.int8() if types.is_boolean(source) else source
        return lambda array: array.cast(whole).cast(pa.decimal128(20, 0)).cast(target)
    return _cast(target) if types.is_integer(target) else None


def _zero_or_one(array: pa.Array) -> pa.Array:
    bounds = pc.min_max(array)
    if bounds["min"].is_valid and not 0 <= bounds["min"].as_py() <= bounds["max"].as_py() <= 1:
        raise pa.ArrowInvalid("neither 0 nor 1")
    return array.cast(pa.bool_())


def _from_float(target: pa.DataType) -> Rule | None:
    types = pa.types
    if types.is_floating(target):
        return lambda array: _finite(array, target)
    return _cast(target) if types.is_integer(target) or types.is_decimal(target) else None


def _finite(array: pa.Array, target: pa.DataType) -> pa.Array:
    result = array.cast(target, safe=False)
    if pc.any(pc.and_(pc.is_inf(result), pc.is_finite(array))).as_py():
        raise pa.ArrowInvalid("out of range")
    return result


def _from_temporal(source: pa.DataType, target: pa.DataType) -> Rule | None:
    types = pa.types
    if types.is_timestamp(source) and types.is_timestamp(target):
        return _between_zones(source, target)
    if types.is_date(source) and types.is_timestamp(target):
        return lambda array: _in_zone(array.cast(pa.timestamp(target.unit)), target)
    if types.is_timestamp(source) and types.is_date(target):
        return lambda array: _midnight(array, target)
    same = (types.is_date, types.is_time, types.is_duration)
    return _cast(target) if any(fits(source) and fits(target) for fits in same) else None


def _between_zones(source: pa.DataType, target: pa.DataType) -> Rule:
    if source.tz is None:
        return lambda array: _in_zone(array.cast(pa.timestamp(target.unit)), target)
    if target.tz is None:
        return lambda array: pc.local_timestamp(array).cast(target)
    return _cast(target)


def _in_zone(array: pa.Array, target: pa.DataType) -> pa.Array:
    return array if target.tz is None else pc.assume_timezone(array, target.tz)


def _midnight(array: pa.Array, target: pa.DataType) -> pa.Array:
    local = array if array.type.tz is None else pc.local_timestamp(array)
    days = local.cast(pa.date32())
    if pc.any(pc.not_equal(days.cast(local.type), local)).as_py():
        raise pa.ArrowInvalid("has a time of day")
    return days.cast(target)


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)
                or types.is_fixed_size_binary(kind))  # fmt: skip


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _true(mask: pa.Array) -> list[int]:
    return pc.indices_nonzero(mask).to_pylist()


def _valid(array: pa.Array) -> list[int]:
    return _true(array.is_valid())


__all__ = ["convert_plain"]
