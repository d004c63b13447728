"""CSV or JSON lines to Arrow by polars' streaming engine, typed: python -m benchmarks.peers.polars_read PATH."""

import sys

import polars as pl
import pyarrow as pa

from benchmarks.columns import COLUMNS
from benchmarks.taking import take

SCHEMA = pa.schema(COLUMNS)
TYPES = dict(pl.from_arrow(SCHEMA.empty_table()).schema)


def scan(path: str) -> pl.LazyFrame:
    """The made table, not read yet."""
    if path.endswith(".csv"):
        return pl.scan_csv(path, schema=TYPES)
    number = pl.col("amount").cast(TYPES["amount"])  # it makes no decimal of a JSON number
    return pl.scan_ndjson(path, schema=TYPES | {"amount": pl.Float64}).with_columns(number)


if __name__ == "__main__":
    frames = scan(sys.argv[1]).collect_batches(chunk_size=65_536, engine="streaming")
    take(batch for frame in frames for batch in frame.to_arrow().cast(SCHEMA).to_batches())
