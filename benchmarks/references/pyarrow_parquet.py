"""CSV to Parquet by pyarrow, with a thread that writes: python -m benchmarks.references.pyarrow_parquet CSV PARQUET."""

import queue
import sys
import threading

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.columns import COLUMNS
from benchmarks.references.open_csv import open_csv

ROW_GROUP = 122_880
groups: queue.Queue[pa.Table | None] = queue.Queue(2)


def write() -> None:
    """Write row groups till None comes."""
    with pq.ParquetWriter(sys.argv[2], pa.schema(COLUMNS)) as writer:
        while (group := groups.get()) is not None:
            writer.write_table(group, ROW_GROUP)


writer = threading.Thread(target=write)
writer.start()
batches: list[pa.RecordBatch] = []
for batch in open_csv(sys.argv[1]):
    batches.append(batch)
    if sum(one.num_rows for one in batches) >= ROW_GROUP:
        groups.put(pa.Table.from_batches(batches))
        batches = []
if batches:
    groups.put(pa.Table.from_batches(batches))
groups.put(None)
writer.join()
