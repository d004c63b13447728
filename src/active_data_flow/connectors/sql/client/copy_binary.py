"""Arrow batches in the form that PostgreSQL's ``COPY … (FORMAT binary)`` reads, whole columns at a time.

A row is a count of fields, and for each field its length (-1: NULL) and its value in network byte order. What has a
fixed width in every row (counts, lengths, numbers) is laid out by NumPy; what has not is a binary column; Arrow joins
both row by row. Format: "Binary Format" in PostgreSQL's documentation of COPY; of values: the server's ``*_recv``
functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from active_data_flow.core.kernels import pc

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What comes before the first row: the signature, no flags, no extension."""
TRAILER = b"\xff\xff"
"""What comes after the last row."""

_ROWS = 16384
"""Rows that are laid out at once: what they come to stays in the processor's cache, mostly."""

Array = Any
"""A NumPy array; the parameters of its own type would say nothing here."""
Piece = Any
"""A part of each row: a NumPy array, or number, of fixed width, or Arrow's binary values."""


class Field(NamedTuple):
    """A column's part of each row.

    Attributes:
        lengths: Bytes that values take, -1 for NULL; a single number where all are alike.
        values: What values are made of, one piece behind the other.
    """

    lengths: Any
    values: list[Piece]

    @property
    def pieces(self) -> list[Piece]:
        """The length, then the value."""
        return [np.asarray(self.lengths).astype(">i4"), *self.values]


class CopyData(NamedTuple):
    """Rows as COPY reads them.

    Attributes:
        names: Of the columns.
        parts: The whole of it, one part behind the other.
    """

    names: list[str]
    parts: list[memoryview | bytes]

    @classmethod
    def of(cls, rows: pa.Table) -> CopyData:
        """Lay out rows.

        Raises:
            TypeError: See `copy_rows`.
        """
        batches = rows.combine_chunks().to_batches()  # few large ones cost less than many small
        parts = [part for batch in batches for part in copy_rows(batch)]
        return cls(rows.schema.names, [SIGNATURE, *parts, TRAILER])


def copy_rows(batch: pa.RecordBatch) -> Iterator[memoryview]:
    r"""The rows of a batch, without signature and trailer, some thousand rows at a time.

    Raises:
        TypeError: A column's type has no binary form here: unsigned integers, structs, maps, lists of lists.

    Example:
        >>> [bytes(rows) for rows in copy_rows(pa.record_batch({"n": pa.array([7], pa.int16())}))]
        [b'\x00\x01\x00\x00\x00\x02\x00\x07']
    """
    for first in range(0, batch.num_rows, _ROWS):
        part = batch.slice(first, _ROWS)
        pieces: list[Piece] = [np.array(part.num_columns, ">i2")]
        for column in part.columns:
            pieces += _field(column).pieces
        rows = _joined(pieces, part.num_rows)
        ends = _ends(rows)
        yield memoryview(rows.buffers()[2].slice(int(ends[0]), int(ends[-1] - ends[0])))


def _field(column: pa.Array) -> Field:
    kind = column.type
    if pa.types.is_list(kind):
        return _list(column)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return _text(column)
    return _fixed(column, _values(column))


def _text(column: pa.Array) -> Field:
    """Texts and bytes, as they are."""
    lengths, values = pc.binary_length(column), column.cast(pa.large_binary())
    if not column.null_count:
        return Field(lengths.to_numpy(), [values])
    return Field(lengths.fill_null(-1).to_numpy(), [values.fill_null(b"")])


def _fixed(column: pa.Array, values: Array) -> Field:
    """Values of one width; where some are NULL, those that are not make a binary column."""
    width = values.dtype.itemsize
    if not column.null_count:
        return Field(width, [values])
    valid = _valid(column)
    return Field(np.where(valid, width, -1), [_binary(valid * width, values[valid])])


_ELEMENT_TYPES = {
    pa.bool_(): 16,
    pa.binary(): 17,
    pa.int64(): 20,
    pa.int16(): 21,
    pa.int32(): 23,
    pa.string(): 25,
    pa.float32(): 700,
    pa.float64(): 701,
    pa.date32(): 1082,
    pa.time64("us"): 1083,
    pa.timestamp("us"): 1114,
    pa.timestamp("us", "UTC"): 1184,
}
"""The server's numbers of types (``pg_type.oid``), which never change."""
_NUMERIC = 1700
_HEADER = np.dtype([("dimensions", ">i4"), ("nulls", ">i4"), ("type", ">i4"), ("length", ">i4"), ("lower", ">i4")])
_EMPTY_HEADER = 12


def _list(column: pa.Array) -> Field:
    """Arrays of one dimension: a header, then the elements like fields of a row."""
    elements, valid = column.flatten(), _valid(column)
    counts = pc.list_value_length(column).fill_null(0).to_numpy()
    encoded = _joined(_field(elements).pieces, len(elements))
    ends = _ends(encoded)[_running(counts)]
    body = _from_ends(ends, encoded.buffers()[2])
    header_lengths = np.where(counts, _HEADER.itemsize, _EMPTY_HEADER) * valid
    headers = _list_headers(counts, elements).view(np.uint8).reshape(len(counts), _HEADER.itemsize)
    shown = headers[np.arange(_HEADER.itemsize) < header_lengths[:, None]]
    return Field(np.where(valid, header_lengths + np.diff(ends), -1), [_binary(header_lengths, shown), body])


def _list_headers(counts: Array, elements: pa.Array) -> Array:
    headers = np.zeros(len(counts), _HEADER)
    headers["dimensions"] = counts > 0
    headers["nulls"] = elements.null_count > 0
    headers["type"] = _NUMERIC if pa.types.is_decimal(elements.type) else _ELEMENT_TYPES[elements.type]
    headers["length"] = counts
    headers["lower"] = 1
    return headers


_EPOCH_DAYS = 10_957
_EPOCH_MICROSECONDS = _EPOCH_DAYS * 86_400_000_000
"""The server counts from 2000, Arrow from 1970."""
_LEAST_DAY = -(2**31) + 1
_LEAST_MICROSECOND = -(2**63) + 1
"""Moments that the server refuses: what would run over becomes one of them, and neither another date nor -infinity."""


def _date(column: pa.Array) -> Array:
    days = _raw(column, "i4").astype("i8") - _EPOCH_DAYS
    return np.maximum(days, _LEAST_DAY).astype(">i4")


def _timestamp(column: pa.Array) -> Array:
    moments = np.maximum(_raw(column, "i8"), _LEAST_MICROSECOND + _EPOCH_MICROSECONDS)
    return (moments - _EPOCH_MICROSECONDS).astype(">i8")


_NUMBERS = {
    pa.int16(): "i2",
    pa.int32(): "i4",
    pa.int64(): "i8",
    pa.float32(): "f4",
    pa.float64(): "f8",
    pa.time64("us"): "i8",
}
_OTHERS: dict[pa.DataType, Callable[[pa.Array], Array]] = {
    pa.bool_(): lambda column: column.cast(pa.uint8()).fill_null(0).to_numpy(),
    pa.date32(): _date,
    pa.timestamp("us"): _timestamp,
    pa.timestamp("us", "UTC"): _timestamp,
}


def _values(column: pa.Array) -> Array:
    """Values of fixed width; anything where the column is NULL."""
    kind = column.type
    if pa.types.is_decimal128(kind):
        return _numeric(column)
    if kind in _NUMBERS:
        return _raw(column, _NUMBERS[kind]).astype(f">{_NUMBERS[kind]}")
    if kind not in _OTHERS:
        raise TypeError(f"{kind} has no binary form for COPY")
    return _OTHERS[kind](column)


_BASE_DIGITS = 4
_BASE = 10**_BASE_DIGITS
_NEGATIVE = 0x4000
_DIGITS_OF_WORD = 18


def _numeric(column: pa.Array) -> Array:
    """Decimals as digits to the base 10,000, always as many as the type may need: the server cuts leading zeros."""
    precision, scale = column.type.precision, column.type.scale
    fraction, whole = -(-scale // _BASE_DIGITS), -(-(precision - scale) // _BASE_DIGITS)
    layout = [
        ("digits", ">i2"),
        ("weight", ">i2"),
        ("sign", ">i2"),
        ("scale", ">i2"),
        ("of", ">i2", (fraction + whole,)),
    ]
    values = np.empty(len(column), layout)
    values["digits"], values["weight"], values["scale"] = fraction + whole, whole - 1, scale
    negative, limbs = _magnitude(column)
    values["sign"] = negative * _NEGATIVE
    loose = scale % _BASE_DIGITS
    for place in range(fraction + whole - 1, -1, -1):
        # the last digits of a fraction that does not fill its place stand at the place's left
        digits = loose if loose and place == fraction + whole - 1 else _BASE_DIGITS
        limbs, rest = _divided(limbs, 10**digits)
        values["of"][:, place] = rest * 10 ** (_BASE_DIGITS - digits)
    return values


def _magnitude(column: pa.Array) -> tuple[Array, list[Array]]:
    """Whether decimals are negative, and their absolute values as limbs, the highest first."""
    words = _raw(column, "i8", 2).reshape(-1, 2)
    negative = words[:, 1] < 0
    if column.type.precision <= _DIGITS_OF_WORD:
        return negative, [np.abs(words[:, 0]).view("u8")]
    flip = np.where(negative, ~np.uint64(0), np.uint64(0))
    unsigned = words.view("u8")
    low = (unsigned[:, 0] ^ flip) + negative
    high = (unsigned[:, 1] ^ flip) + (negative & (low == 0))
    half = np.uint64(32)
    mask = np.uint64(2**32 - 1)
    return negative, [high >> half, high & mask, low >> half, low & mask]


def _divided(limbs: list[Array], divisor: int) -> tuple[list[Array], Array]:
    """Long division of numbers in limbs of 32 bits, or of numbers that are a single limb."""
    by, rest = np.uint64(divisor), np.uint64(0)
    quotients: list[Array] = []
    for limb in limbs:
        quotient, rest = np.divmod((rest << np.uint64(32)) | limb, by)
        quotients.append(quotient)
    return quotients, rest


def _joined(pieces: Sequence[Piece], rows: int) -> pa.Array:
    """Pieces put together, row by row."""
    parts: list[pa.Array] = []
    fixed: list[Array] = []
    for piece in pieces:
        if isinstance(piece, pa.Array):
            parts += [_side_by_side(fixed, rows)] * bool(fixed) + [piece]
            fixed = []
        else:
            fixed.append(piece)
    if fixed:
        parts.append(_side_by_side(fixed, rows))
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))


def _side_by_side(pieces: Sequence[Array], rows: int) -> pa.Array:
    names = [str(number) for number in range(len(pieces))]
    laid_out = np.empty(rows, [(name, piece.dtype) for name, piece in zip(names, pieces, strict=True)])
    for name, piece in zip(names, pieces, strict=True):
        laid_out[name] = piece
    return _from_ends(np.arange(rows + 1) * laid_out.dtype.itemsize, pa.py_buffer(laid_out))


def _binary(widths: Array, values: Array) -> pa.Array:
    """A binary column of values that lie one behind the other."""
    return _from_ends(_running(widths), pa.py_buffer(values))


def _from_ends(ends: Array, values: pa.Buffer | None) -> pa.Array:
    buffers = [None, pa.py_buffer(ends.astype(np.int64, copy=False)), values or pa.py_buffer(b"")]
    return pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)


def _ends(binary: pa.Array) -> Array:
    """Where values lie in the buffer of a binary column."""
    return np.frombuffer(binary.buffers()[1], np.int64, len(binary) + 1, binary.offset * 8)


def _running(widths: Array) -> Array:
    return np.concatenate(([0], np.cumsum(widths, dtype=np.int64)))


def _valid(column: pa.Array) -> Array:
    return column.is_valid().to_numpy(zero_copy_only=False)


def _raw(column: pa.Array, layout: str, words: int = 1) -> Array:
    """The buffer of a column of fixed width as an array, `words` numbers for each value."""
    buffer = column.buffers()[1]
    if buffer is None:
        return np.empty(0, layout)
    width = np.dtype(layout).itemsize * words
    return np.frombuffer(buffer, layout, len(column) * words, column.offset * width)


__all__ = ["CopyData", "copy_rows"]
