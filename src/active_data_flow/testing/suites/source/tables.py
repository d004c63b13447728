"""What the suite stores, and how it tells whether all of it comes back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from active_data_flow.core.batch import Batch

Rows = Sequence[Mapping[str, Any]]


def numbered(count: int, first: int = 0) -> pa.Table:
    """Records with an id, a number and a text."""
    ids = range(first, first + count)
    columns = {"id": list(ids), "half": [number / 2 for number in ids], "word": [f"w{number}" for number in ids]}
    return table(columns, id=pa.int64(), half=pa.float64(), word=pa.string())


def parts(*sizes: int) -> list[pa.Table]:
    """Tables of these many records, whose ids go on from one to the next."""
    return [numbered(size, sum(sizes[:index])) for index, size in enumerate(sizes)]


def table(columns: Mapping[str, Any], **types: pa.DataType) -> pa.Table:
    """A table of columns; an ``id`` is added where there is none, and what is not named in `types` is inferred."""
    count = len(next(iter(columns.values())))
    named = columns if "id" in columns else {"id": list(range(count)), **columns}
    return pa.table({name: pa.array(values, types.get(name)) for name, values in named.items()})


def rows_of(tables: Sequence[pa.Table]) -> list[dict[str, Any]]:
    """All rows of some tables."""
    return [row for one in tables for row in one.to_pylist()]


def rows_in(batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """All rows of some batches."""
    return [row for batch in batches for row in batch.data.to_pylist()]


def same(stored: Rows, found: Rows) -> None:
    """Tell what of the stored records is missing, doubled or changed in those that were found.

    Raises:
        AssertionError: Something is.
    """
    wanted, got = Counter(row["id"] for row in stored), Counter(row.get("id") for row in found)
    faults = [
        f"{len(ids)} {fault}: id {', '.join(str(number) for number in sorted(ids, key=str)[:10])}"
        for fault, ids in (("missing", wanted - got), ("too many", got - wanted))
        if ids
    ]
    assert not faults, f"of {len(stored)} records that are stored, {'; '.join(faults)}"
    by_id = {row["id"]: row for row in stored}
    for row in found:
        _same_values(by_id[row["id"]], row)


def _same_values(stored: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for name in {**stored, **found}:
        before, after = stored.get(name), found.get(name)
        assert _comparable(before) == _comparable(after), (
            f"id {stored['id']}, column {name!r}: stored {_shown(before)}, read {_shown(after)}"
        )


def _comparable(value: Any) -> Any:
    """Times of two zones are never equal in the hour that a clock shows twice, though they are the same moment."""
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo is not None else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}… ({len(text):,} characters)"


__all__ = ["Rows", "numbered", "parts", "rows_in", "rows_of", "same", "table"]
