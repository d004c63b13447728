"""CSV to Arrow by the standard library: python -m benchmarks.peers.dict_reader PATH."""

import csv
import sys

from benchmarks.peers.to_arrow import batches_of
from benchmarks.taking import take

with open(sys.argv[1], newline="") as file:  # noqa: PTH123  # as short as it gets: this is timed
    take(batches_of(csv.DictReader(file)))
