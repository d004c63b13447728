"""A Python transform that reads two fields, or sets one too: our messages against `to_pylist` and `from_pylist`.

Run: python benchmarks/messages.py [rows] [rounds]

Both do the same work on the same 600,000 rows x 12 columns, in turn, in one process; what counts is the ratio.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.message import MessageMapper

GOAL = 4.0


def records(start: int, count: int) -> pa.RecordBatch:
    numbers = range(start, start + count)
    begin = dt.datetime(2024, 1, 1)  # noqa: DTZ001  # a wall clock, as most files have
    return pa.RecordBatch.from_pydict(
        {
            "id": list(numbers),
            "uid": [f"{number:032x}" for number in numbers],
            "email": [f"user{number}@example.org" for number in numbers],
            "created_at": [begin + dt.timedelta(seconds=number) for number in numbers],
            "day": [dt.date(2024, 1, 1 + number % 28) for number in numbers],
            "amount": [number * 1.25 for number in numbers],
            "score": [None if number % 7 == 0 else number / 3 for number in numbers],
            "active": [number % 2 == 0 for number in numbers],
            "country": [("NO", "SE", "DK")[number % 3] for number in numbers],
            "note": [f"a note of some length about {number}" for number in numbers],
            "meta": ['{"a": 1, "b": [1, 2]}' for _ in numbers],
            "status": [("new", "paid", None)[number % 3] for number in numbers],
        }
    )


def read(message: Any) -> Any:
    return message if message["id"] % 10 and message["amount"] > 1 else None


def written(message: Any) -> Any:
    if message["id"] % 10 == 0:
        return None
    message["total"] = message["amount"] * 1.19
    return message


def merged(message: Any) -> Any:
    return message | {"total": message["amount"] * 1.19} if message["id"] % 10 else None


def with_messages(function: Callable[[Any], Any], batches: list[pa.RecordBatch]) -> int:
    mapper = MessageMapper(function)
    return sum(mapper.map(Batch(batch, "split", 0)).num_rows for batch in batches)


def with_lists(function: Callable[[Any], Any], batches: list[pa.RecordBatch]) -> int:
    schema = batches[0].schema.append(pa.field("total", pa.float64()))
    rows = 0
    for batch in batches:
        out = [result for record in batch.to_pylist() if (result := function(record)) is not None]
        rows += pa.RecordBatch.from_pylist(out, schema=schema).num_rows
    return rows


def seconds(work: Callable[[], int]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main(rows: int = 600_000, rounds: int = 3) -> None:
    for size in (8192, 65536):
        batches = [records(start, min(size, rows - start)) for start in range(0, rows, size)]
        for function in (read, written, merged):
            assert with_messages(function, batches) == with_lists(function, batches)
            ours: list[float] = []
            naive: list[float] = []
            for _ in range(rounds):
                ours.append(seconds(lambda: with_messages(function, batches)))  # noqa: B023  # called at once
                naive.append(seconds(lambda: with_lists(function, batches)))  # noqa: B023  # likewise
            ratio = statistics.median(n / o for n, o in zip(naive, ours, strict=True))
            print(
                f"{size:6d} rows a batch, {function.__name__:8s}: messages {statistics.median(ours):5.2f} s, "
                f"lists {statistics.median(naive):5.2f} s of CPU, {ratio:4.1f}x (goal {GOAL}x)"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
