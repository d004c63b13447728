"""Rows as keys, values and times to live: by Arrow's kernels as far as they reach, without a Python object per row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from active_data_flow.connectors.cache.configuration import LONGEST, CacheSinkConfiguration
from active_data_flow.connectors.cache.formats import JSON, CacheFormat, compress, find_format, size_of
from active_data_flow.connectors.cache.limits import Limits
from active_data_flow.connectors.cache.paths import column_at, no_such_field
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.columns import records_of, values_of
from active_data_flow.core.errors import RecordError, SchemaError
from active_data_flow.core.json_text import json_text, plain_text, row_texts
from active_data_flow.core.kernels import pc


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row can't be written."""

    reason: str
    error_type: str = RecordError.__name__
    field: str | None = None


Faults = dict[int, Fault]
"""Row -> what is wrong with it; the first thing that was found stays."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Rows as the cache takes them.

    Attributes:
        batch: The rows that could be used.
        keys: Their keys.
        values: Their values.
        seconds: How long each lives, None: for ever; None as a whole where all live as long as the sink says.
        bytes: Size of all values.
    """

    batch: Batch
    keys: list[str]
    values: list[Any]
    seconds: list[int | None] | None
    bytes: int


def rejects_of(batch: Batch, faults: Mapping[int, Fault]) -> list[Reject]:
    """The rows at fault."""
    if not faults:
        return []
    rows = sorted(faults)
    return [
        Reject(record, fault.reason, fault.error_type, "write", batch.split_id, batch.position, fault.field)
        for record, fault in zip(records_of(batch.data, rows), map(faults.__getitem__, rows), strict=True)
    ]


class EntryMaker:
    """Makes entries as a sink's options say.

    Args:
        options: The sink's.
        limits: What the cache takes.
        seconds: How long entries live that say nothing of it themselves; None: for ever.
    """

    def __init__(self, options: CacheSinkConfiguration, limits: Limits, seconds: int | None) -> None:
        self.seconds = seconds
        self._options = options
        self._limits = limits
        self._format = find_format(options.format)
        self._largest = options.max_value_size or limits.value_bytes

    def entries(self, batch: Batch) -> tuple[Entries, list[Reject]]:
        """The rows as entries, and those that can't be.

        Raises:
            SchemaError: A column can't serve as what it is named for.
        """
        faults: Faults = {}
        keys = self._keys(batch.data, faults)
        seconds = self._seconds(batch.data, faults)
        values, sizes = self._values(batch.data, faults)
        rejects = rejects_of(batch, faults)
        if faults:
            good = np.ones(batch.num_rows, bool)
            good[list(faults)] = False
            kept = np.flatnonzero(good).tolist()
            batch = batch.filter(pa.array(good))
            keys, sizes, values = keys.filter(pa.array(good)), sizes[good], [values[row] for row in kept]
            seconds = None if seconds is None else [seconds[row] for row in kept]
        return Entries(batch, _texts(keys), values, seconds, int(sizes.sum())), rejects

    # keys

    def _keys(self, data: pa.RecordBatch, faults: Faults) -> pa.StringArray:
        name = self._options.key_attribute
        column = column_at(data, name)
        if column is None:
            _all(faults, data, no_such_field(data, name), name)
            return pa.nulls(data.num_rows, pa.string())
        if pa.types.is_nested(column.type):
            raise SchemaError(f"key_attribute {name} is a {column.type}; name a field inside, as {name}.id")
        text = plain_text(column)
        empty = pc.equal(text, "")
        _mark(faults, text.is_null(), Fault(f"has no {name}, of which its key in the cache is made", field=name))
        _mark(faults, empty, Fault(f"{name} is empty, of which its key in the cache is made", field=name))
        keys = pc.binary_join_element_wise(self._options.prefix, text, self._options.suffix, "")
        for row, reason in self._limits.refused_keys(keys).items():
            faults.setdefault(row, Fault(reason, field=name))
        return keys

    # times to live

    def _seconds(self, data: pa.RecordBatch, faults: Faults) -> list[int | None] | None:
        name = self._options.expires_in_attribute
        if name is None:
            return None
        column = column_at(data, name)
        if column is None:
            _all(faults, data, no_such_field(data, name), name)
            return [None] * data.num_rows
        numbers = _numbers(column, name)
        fits = pc.and_(pc.greater(numbers, 0), pc.less_equal(numbers, LONGEST))
        for row in _rows(pc.invert(fits)):
            reason = f"{name} is {numbers[row].as_py():g}; seconds to live are more than 0 and at most {LONGEST}"
            faults.setdefault(row, Fault(reason, field=name))
        whole = pc.cast(pc.ceil(pc.if_else(fits, numbers, None)), pa.int64())
        return [self.seconds if seconds is None else seconds for seconds in whole.to_pylist()]

    # values

    def _values(self, data: pa.RecordBatch, faults: Faults) -> tuple[list[Any], np.ndarray]:
        name = self._options.value_attribute
        column = None if name is None else column_at(data, name)
        if name is not None and column is None:
            _all(faults, data, no_such_field(data, name), name)
            return [None] * data.num_rows, np.zeros(data.num_rows, np.int64)
        make = self._as_json if self._format is JSON else self._as_code_says
        values, sizes = make(data, column, faults)
        self._compress(values, sizes)
        if self._largest is not None:
            for row in np.flatnonzero(sizes > self._largest).tolist():
                faults.setdefault(row, Fault(self._limits.too_large(int(sizes[row]), self._largest), field=name))
        return values, sizes

    def _as_json(self, data: pa.RecordBatch, column: pa.Array | None, faults: Faults) -> tuple[list[Any], np.ndarray]:
        texts = row_texts(data) if column is None else (pc.fill_null(json_text(column), "null"),)
        values: list[Any] = []
        sizes: list[np.ndarray] = [np.zeros(0, np.int64)]
        for text in texts:
            values += _texts(text)
            sizes.append(pc.binary_length(text).to_numpy(zero_copy_only=False))
        return values, np.concatenate(sizes)

    def _as_code_says(
        self, data: pa.RecordBatch, column: pa.Array | None, faults: Faults
    ) -> tuple[list[Any], np.ndarray]:
        given = records_of(data, range(data.num_rows)) if column is None else values_of(column)
        sized = self._largest is not None or self._options.compress_over is not None
        values: list[Any] = [None] * data.num_rows
        sizes = np.zeros(data.num_rows, np.int64)
        for row, value in enumerate(given):
            if row in faults:
                continue
            try:
                values[row] = self._format.dump(value)
                sizes[row] = size_of(values[row]) if sized else 0
            except Exception as error:  # noqa: BLE001  # code of the application's own may raise anything
                faults[row] = _not_dumped(self._format, error, self._options.value_attribute)
        return values, sizes

    def _compress(self, values: list[Any], sizes: np.ndarray) -> None:
        over = self._options.compress_over
        if over is None:
            return
        for row in np.flatnonzero(sizes > over).tolist():
            compressed = compress(values[row])
            if len(compressed) < sizes[row]:
                values[row], sizes[row] = compressed, len(compressed)


def _not_dumped(cache_format: CacheFormat, error: Exception, field: str | None) -> Fault:
    reason = f"the format {cache_format.name} can't write it: {type(error).__name__}: {error}"
    return Fault(reason, type(error).__name__, field)


def _numbers(column: pa.Array, name: str) -> pa.Array:
    types, kind = pa.types, column.type
    if types.is_duration(kind):
        return pc.divide(pc.cast(pc.cast(column, pa.duration("ns")), pa.int64()).cast(pa.float64(), safe=False), 1e9)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind):
        return pc.cast(column, pa.float64(), safe=False)
    raise SchemaError(f"expires_in_attribute {name} is a {kind}; seconds are numbers or durations: cast it first")


def _texts(array: pa.StringArray) -> list[str]:
    texts: list[str] = array.to_numpy(zero_copy_only=False).tolist()
    return texts


def _rows(mask: pa.BooleanArray) -> list[int]:
    rows: list[int] = pc.indices_nonzero(mask).to_pylist()
    return rows


def _mark(faults: Faults, mask: pa.BooleanArray, fault: Fault) -> None:
    for row in _rows(mask):
        faults.setdefault(row, fault)


def _all(faults: Faults, data: pa.RecordBatch, reason: str, field: str) -> None:
    for row in range(data.num_rows):
        faults.setdefault(row, Fault(reason, field=field))


__all__ = ["Entries", "EntryMaker", "Fault", "rejects_of"]
