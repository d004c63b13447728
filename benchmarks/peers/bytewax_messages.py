"""The transforms on messages by Bytewax: python -m benchmarks.peers.bytewax_messages JOB ARROW_FILE."""

import sys
from typing import Any

import bytewax.operators as op
import pyarrow as pa
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import cluster_main

from benchmarks.jobs import JOBS
from benchmarks.references.messages import batches_of
from benchmarks.taking import Taken, timed


class Batches(DynamicSource[Any], StatelessSourcePartition[Any]):
    """Record batches, as messages."""

    def __init__(self, batches: list[pa.RecordBatch]) -> None:
        self._batches = iter(batches)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSourcePartition[Any]:
        """There is one worker."""
        return self

    def next_batch(self) -> list[Any]:
        """The next; StopIteration ends it."""
        return next(self._batches).to_pylist()


class Taking(DynamicSink[Any], StatelessSinkPartition[Any]):
    """Makes record batches of messages."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self.taken = Taken()

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Any]:
        """There is one worker."""
        return self

    def write_batch(self, items: list[Any]) -> None:
        """Take one."""
        self.taken.add(pa.RecordBatch.from_pylist(items, schema=self._schema))


def main(job: str, path: str) -> None:
    """Do the job."""
    batches = batches_of(path)
    schema = batches[0].schema
    with timed():
        sink = Taking(schema.append(pa.field("total", pa.float64())) if job == "written" else schema)
        flow = Dataflow("messages")
        messages = op.input("in", flow, Batches(batches))
        op.output("out", op.filter_map("job", messages, JOBS[job]), sink)
        cluster_main(flow, [], 0)
        sink.taken.close()


main(*sys.argv[1:])
