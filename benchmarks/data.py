"""Made data for the benchmarks: the same bytes every time, written as fast as pyarrow can."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.columns import COLUMNS

_COUNTRIES = np.array(["NO", "DE", "FR", "US", "JP", "BR", "IN", "ZA"])
_NOTES = np.array(
    [
        "regular order, delivered on time to the address given",
        "the customer asked to leave it at the neighbour's door",
        'returned: label said "fragile", box was open on arrival',
        "",
        "express",
        "paid by invoice, thirty days net, second reminder sent",
        "gift wrapping; two cards enclosed, one for each recipient",
    ]
)
_EPOCH = np.datetime64("2013-01-01T00:00:00", "us")
_CHUNK = 100_000


def table(first: int, rows: int) -> pa.Table:
    """Rows `first` … `first + rows - 1` of the made table; a row depends on nothing but its number."""
    number = np.arange(first, first + rows, dtype=np.uint64)
    mixed = _mix(number)
    other = _mix(mixed)
    created = _EPOCH + (mixed % np.uint64(9 * 365 * 86_400_000_000)).astype("timedelta64[us]")
    cents = (other % np.uint64(10_000_000)).astype(np.int64)
    integer = pa.array(number.astype(np.int64))
    text = integer.cast(pa.string())
    columns: dict[str, Any] = {
        "id": integer,
        "uid": _uids(mixed, other),
        "email": pc.binary_join_element_wise(
            "user", text, "@mail", pa.array(_COUNTRIES[mixed % np.uint64(8)]), ".example.com", ""
        ),
        "created_at": pa.array(created, pa.timestamp("us")),
        "day": pa.array(created.astype("datetime64[D]"), pa.date32()),
        "amount": _decimal(cents),
        "score": pa.array((mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)),
        "active": pa.array((other & np.uint64(1)).astype(bool)),
        "country": pa.array(_COUNTRIES[other % np.uint64(8)]),
        "note": pa.array(_NOTES[mixed % np.uint64(len(_NOTES))]),
        "meta": pc.binary_join_element_wise('{"source": "web", "n": ', text, ', "tags": ["a", "b"]}', ""),
        "status": pa.array((other % np.uint64(5)).astype(np.int64)),
    }
    return pa.table(columns, schema=pa.schema(COLUMNS))


def write_csv(target: Path, rows: int, first: int = 0) -> None:
    """Write rows of the made table as CSV with a header."""
    with target.open("wb") as file:
        file.write(f"{','.join(COLUMNS)}\n".encode())
        for part in _parts(first, rows):
            file.write(_lines(part))


def write_json(target: Path, rows: int, *, array: bool) -> None:
    """Write the made table as JSON lines or as one array; times as ISO 8601, decimals as numbers."""
    import duckdb

    form = f"format json, array {str(array).lower()}, timestampformat '%Y-%m-%dT%H:%M:%S.%f'"
    schema = pa.schema(COLUMNS)
    batches = (batch for part in _parts(0, rows) for batch in part.to_batches())
    duckdb.from_arrow(pa.RecordBatchReader.from_batches(schema, batches)).query(
        "made", f"copy made to '{target}' ({form})"
    )


def write_arrow(target: Path, rows: int) -> None:
    """Write the made table as an Arrow file of record batches of 65,536 rows."""
    with pa.ipc.new_file(target, pa.schema(COLUMNS)) as writer:
        for first in range(0, rows, 65_536):
            writer.write_table(table(first, min(65_536, rows - first)))


def _parts(first: int, rows: int) -> Iterator[pa.Table]:
    for begin in range(first, first + rows, _CHUNK):
        yield table(begin, min(_CHUNK, first + rows - begin))


def _lines(rows: pa.Table) -> memoryview:
    """The rows as CSV text; fields are quoted only where they have to be, as most programs write it."""
    texts = [column.cast(pa.string()) for column in rows.combine_chunks().columns]
    fields = [
        _quoted(text) if name in ("note", "meta") else text for name, text in zip(rows.schema.names, texts, strict=True)
    ]
    lines = pc.binary_join_element_wise(*fields, ",").combine_chunks()
    array = pc.binary_join_element_wise(lines, "\n", "")
    offsets = np.frombuffer(array.buffers()[1], np.int32)
    start, end = int(offsets[0]), int(offsets[len(array)])
    return memoryview(array.buffers()[2])[start:end]


def _quoted(text: pa.ChunkedArray) -> pa.ChunkedArray:
    needed = pc.match_substring_regex(text, '[",\n]')
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), text)


def _mix(value: np.ndarray) -> np.ndarray:
    """Splitmix64: spreads consecutive numbers over 64 bits."""
    with np.errstate(over="ignore"):
        mixed = value + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _uids(high: np.ndarray, low: np.ndarray) -> pa.Array:
    """UUID texts of two 64-bit halves."""
    raw = np.stack([high.astype(">u8"), low.astype(">u8")], axis=1).view(np.uint8).reshape(len(high), 16)
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text = np.full((len(high), 36), ord("-"), np.uint8)
    places = [place for place in range(36) if place not in (8, 13, 18, 23)]
    text[:, places[0::2]] = digits[raw >> 4]
    text[:, places[1::2]] = digits[raw & 15]
    offsets = np.arange(0, 36 * (len(high) + 1), 36, dtype=np.int32)
    return pa.StringArray.from_buffers(len(high), pa.py_buffer(offsets), pa.py_buffer(text.tobytes()))


def _decimal(cents: np.ndarray) -> pa.Array:
    """Whole cents as decimals with two places."""
    words = np.zeros((len(cents), 2), np.int64)
    words[:, 0] = cents
    return pa.Array.from_buffers(pa.decimal128(12, 2), len(cents), [None, pa.py_buffer(words.tobytes())])


WRITERS: dict[str, Callable[[Path, int], None]] = {
    ".csv": write_csv,
    ".jsonl": partial(write_json, array=False),
    ".json": partial(write_json, array=True),
    ".arrow": write_arrow,
}


def main(path: str, rows: str, first: str = "0") -> None:
    """Write a file, whole or not at all, in the form that its ending says."""
    target = Path(path)
    unfinished = target.with_name(f"unfinished-{target.name}")
    writer = WRITERS[target.suffix]
    writer(unfinished, int(rows)) if first == "0" else write_csv(unfinished, int(rows), int(first))
    unfinished.rename(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
