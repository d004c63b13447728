"""A JSON array to Arrow by ijson: python -m benchmarks.peers.ijson_array PATH."""

import sys

import ijson

from benchmarks.peers.to_arrow import batches_of
from benchmarks.taking import take

with open(sys.argv[1], "rb") as file:  # noqa: PTH123  # as short as it gets: this is timed
    take(batches_of(ijson.items(file, "item", use_float=True)))
