"""The transforms on messages by hand; reading the file is not counted.

python -m benchmarks.references.messages declared|lists JOB ARROW_FILE
"""

import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

import pyarrow as pa

from benchmarks.jobs import BATCH, JOBS
from benchmarks.taking import take, timed


def batches_of(path: str) -> list[pa.RecordBatch]:
    """The file in memory, in batches as they come from a source."""
    with pa.ipc.open_file(path) as reader:
        return reader.read_all().combine_chunks().to_batches(BATCH)


def declared(job: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Calls a function of two values whose columns were declared; None drops a row. No row object can beat it."""
    columns = (batch.column(name).to_numpy(zero_copy_only=False).tolist() for name in ("id", "amount"))
    outcomes = list(map(DECLARED[job], *columns))
    kept = [index for index, outcome in enumerate(outcomes) if outcome is not None]
    rows = batch.take(pa.array(kept, pa.int64()))
    if job == "read":
        return rows
    return rows.append_column("total", pa.array([outcomes[index] for index in kept], pa.float64()))


def _read(number: int, amount: Decimal) -> bool | None:
    return True if number % 10 and amount > 1 else None


def _written(number: int, amount: Decimal) -> float | None:
    return float(amount) * 1.19 if number % 10 else None


DECLARED: dict[str, Callable[[int, Decimal], object]] = {"read": _read, "written": _written}


def lists(job: str, batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Every value of every row as an object, and back."""
    function: Callable[[dict[str, object]], dict[str, object] | None] = JOBS[job]
    schema = batches[0].schema
    if job == "written":
        schema = schema.append(pa.field("total", pa.float64()))
    for batch in batches:
        kept = [result for record in batch.to_pylist() if (result := function(record)) is not None]
        yield pa.RecordBatch.from_pylist(kept, schema=schema)


def main(way: str, job: str, path: str) -> None:
    """Do the job."""
    batches = batches_of(path)
    with timed():
        take(map(partial(declared, job), batches) if way == "declared" else lists(job, batches))


if __name__ == "__main__":
    main(*sys.argv[1:])
