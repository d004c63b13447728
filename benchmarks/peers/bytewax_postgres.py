"""CSV into PostgreSQL by Bytewax, with psycopg's COPY as its sink.

python -m benchmarks.peers.bytewax_postgres URL CSV
"""

import sys
from pathlib import Path
from typing import Any

import bytewax.operators as op
import psycopg
from bytewax.connectors.files import CSVSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import cluster_main

from benchmarks.peers.rows import SIZE, typed


class Table(DynamicSink[Any]):
    """The made table."""

    def __init__(self, url: str) -> None:
        self._url = url

    def build(self, step_id: str, worker_index: int, worker_count: int) -> StatelessSinkPartition[Any]:
        """A connection of the worker."""
        return Copying(self._url)


class Copying(StatelessSinkPartition[Any]):
    """A COPY for each batch, one transaction for all."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url)

    def write_batch(self, items: list[Any]) -> None:
        """Copy rows."""
        with self._connection.cursor() as cursor, cursor.copy("copy made from stdin") as copy:
            for row in items:
                copy.write_row(row)

    def close(self) -> None:
        """Commit."""
        self._connection.commit()
        self._connection.close()


def main(url: str, path: str) -> None:
    """Load."""
    flow = Dataflow("load")
    records = op.input("in", flow, CSVSource(Path(path), batch_size=SIZE))
    op.output("out", op.map("typed", records, lambda record: typed(record.values())), Table(url))
    cluster_main(flow, [], 0)


main(*sys.argv[1:])
