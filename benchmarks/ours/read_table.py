"""A table to Arrow by `SqlSource`: python -m benchmarks.ours.read_table URL TABLE."""

import sys

from active_data_flow import SqlSource
from benchmarks.taking import take

take(batch.data for batch in SqlSource(url=sys.argv[1], table=sys.argv[2]).batches())
