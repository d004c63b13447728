"""A table to Arrow by psycopg's binary COPY: python -m benchmarks.peers.psycopg_read URL TABLE."""

import sys
from collections.abc import Iterator

import psycopg
import pyarrow as pa

from benchmarks.peers.rows import in_parts
from benchmarks.peers.to_arrow import batch_of
from benchmarks.schema import SQL_COLUMNS
from benchmarks.taking import take


def batches(url: str, table: str) -> Iterator[pa.RecordBatch]:
    """The table."""
    query = f"copy {table} to stdout (format binary)"
    with psycopg.connect(url) as connection, connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types([kind.partition("(")[0] for kind in SQL_COLUMNS.values()])
        for rows in in_parts(copy.rows(), 8_192):
            yield batch_of(zip(*rows, strict=True))


take(batches(*sys.argv[1:]))
