"""The transforms on messages by hand; reading the file is not counted.

python -m benchmarks.references.messages declared|lists JOB ARROW_FILE
"""

import sys
from collections.abc import Callable, Iterator

import pyarrow as pa

from benchmarks.jobs import BATCH, JOBS
from benchmarks.taking import take, timed


def batches_of(path: str) -> list[pa.RecordBatch]:
    """The file in memory, in batches as they come from a source."""
    with pa.ipc.open_file(path) as reader:
        return reader.read_all().combine_chunks().to_batches(BATCH)


def declared_read(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The two columns as lists, a plain function of two values, and a take: what no row object can beat."""
    ids, scores = (batch.column(name).to_numpy(zero_copy_only=False).tolist() for name in ("id", "score"))
    kept = [index for index, (number, score) in enumerate(zip(ids, scores, strict=True)) if _keeps(number, score)]
    return batch.take(pa.array(kept, pa.int64()))


def declared_written(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same with a new column."""
    ids, scores = (batch.column(name).to_numpy(zero_copy_only=False).tolist() for name in ("id", "score"))
    kept: list[int] = []
    totals: list[float] = []
    for index, (number, score) in enumerate(zip(ids, scores, strict=True)):
        total = _total(number, score)
        if total is not None:
            kept.append(index)
            totals.append(total)
    return batch.take(pa.array(kept, pa.int64())).append_column("total", pa.array(totals, pa.float64()))


def _keeps(number: int, score: float) -> bool:
    return bool(number % 10 and score > 0.01)


def _total(number: int, score: float) -> float | None:
    return score * 1.19 if number % 10 else None


DECLARED = {"read": declared_read, "written": declared_written}


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
        take(map(DECLARED[job], batches) if way == "declared" else lists(job, batches))


if __name__ == "__main__":
    main(*sys.argv[1:])
