"""A transform on batches, run by the engine from an Arrow file to a sink that lets go of everything.

python -m benchmarks.ours.vectorised ARROW_FILE STATE_FOLDER
"""

import sys

import pyarrow as pa

from active_data_flow import DataFlow, FileSource, Sink
from active_data_flow.core.batch import Batch
from active_data_flow.core.sink import Writer, WriterContext
from benchmarks.references.vectorised import change
from benchmarks.taking import Taken, timed


class Nowhere(Sink):
    """Lets go of batches."""

    def write(self, message: object) -> None:
        """Not used: the writer takes batches."""
        raise NotImplementedError

    def open(self, context: WriterContext) -> Writer:
        """The writer."""
        return Taking()


class Taking(Writer):
    """Counts."""

    def __init__(self) -> None:
        self._taken = Taken()

    def write(self, batch: Batch) -> None:
        """Count."""
        self._taken.add(batch.data)

    def close(self) -> None:
        """Keep them, where they are wanted."""
        self._taken.close()


class Vectorised(DataFlow):
    """The flow."""

    source = FileSource(path=sys.argv[1])
    sink = Nowhere()

    def transform_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same as the reference's."""
        return change(batch)


if __name__ == "__main__":
    with timed():
        Vectorised().run(directory=sys.argv[2])
