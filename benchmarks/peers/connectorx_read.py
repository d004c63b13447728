"""A table to Arrow by ConnectorX: python -m benchmarks.peers.connectorx_read URL TABLE."""

import sys

import connectorx as cx
import pyarrow as pa

from benchmarks.columns import COLUMNS
from benchmarks.taking import take

reader = cx.read_sql(sys.argv[1], f"select * from {sys.argv[2]}", return_type="arrow_stream")
take(batch.cast(pa.schema(COLUMNS)) for batch in reader)
