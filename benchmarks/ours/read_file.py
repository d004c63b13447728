"""A file to Arrow by `FileSource`: python -m benchmarks.ours.read_file PATH."""

import sys

from active_data_flow import FileSource
from benchmarks.schema import NULLABLE
from benchmarks.taking import take

take(batch.data for batch in FileSource(path=sys.argv[1], schema=NULLABLE).batches())
