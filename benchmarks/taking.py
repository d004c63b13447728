"""How programs that read end: every batch is taken and let go, or kept where a test wants to look at it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager

import pyarrow as pa


class Taken:
    """Counts rows; keeps them in the Arrow file that the variable ``BENCHMARK_KEEP`` names, if there is one."""

    def __init__(self) -> None:
        self._path = os.environ.get("BENCHMARK_KEEP")
        self._kept: list[pa.RecordBatch] = []
        self.rows = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch."""
        self.rows += batch.num_rows
        if self._path:
            self._kept.append(batch)

    def close(self) -> None:
        """Write what was kept."""
        if self._path:
            with pa.ipc.new_file(self._path, self._kept[0].schema) as writer:
                for batch in self._kept:
                    writer.write_batch(batch)


def take(batches: Iterable[pa.RecordBatch]) -> None:
    """Take all batches."""
    taken = Taken()
    for batch in batches:
        taken.add(batch)
    taken.close()


@contextmanager
def timed() -> Generator[None]:
    """Only what happens in here counts, in place of the whole process."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    print(f"timed {json.dumps([time.perf_counter() - wall, time.process_time() - cpu])}")
