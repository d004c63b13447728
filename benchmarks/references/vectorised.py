"""A transform on batches in a bare loop over an Arrow file: python -m benchmarks.references.vectorised ARROW_FILE."""

import sys

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.taking import take, timed


def change(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Drops rows, changes a column and adds one."""
    kept = batch.filter(pc.greater(batch.column("status"), 0))
    country = kept.schema.get_field_index("country")
    lower = kept.set_column(country, "country", pc.utf8_lower(kept.column("country")))
    return lower.append_column("total", pc.multiply(kept.column("score"), 1.19))


def main(path: str) -> None:
    """The loop."""
    with timed(), pa.memory_map(path) as file, pa.ipc.open_file(file) as reader:
        take(change(reader.get_batch(number)) for number in range(reader.num_record_batches))


if __name__ == "__main__":
    main(*sys.argv[1:])
