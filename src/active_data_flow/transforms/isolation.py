"""Finding the rows on which a statement fails, by halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import pyarrow as pa

from active_data_flow.transforms.client import ValueFailure

Result = TypeVar("Result")


def isolate(
    data: pa.RecordBatch, work: Callable[[pa.RecordBatch], Result], start: int = 0
) -> Iterator[tuple[int, Result | str]]:
    """Results of `work` on the stretches of rows on which it succeeds, and reasons for the rows on which it fails.

    Sound only where the work on a row doesn't depend on other rows.

    Yields:
        Number of the first row of a stretch and its result; or number of a row and the reason why it failed.
    """
    try:
        yield start, work(data)
    except ValueFailure as failure:
        if data.num_rows == 1:
            yield start, str(failure)
            return
        middle = data.num_rows // 2
        yield from isolate(data.slice(0, middle), work, start)
        yield from isolate(data.slice(middle), work, start + middle)


__all__ = ["isolate"]
