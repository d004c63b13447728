"""CSV to Parquet by polars' streaming engine: python -m benchmarks.peers.polars_parquet CSV PARQUET."""

import sys

from benchmarks.peers.polars_read import scan

scan(sys.argv[1]).sink_parquet(sys.argv[2], compression="snappy", row_group_size=122_880, engine="streaming")
