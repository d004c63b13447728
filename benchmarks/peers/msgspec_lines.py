"""JSON lines to Arrow by msgspec, typed: python -m benchmarks.peers.msgspec_lines PATH."""

import datetime as dt
import sys
from collections.abc import Iterator
from decimal import Decimal
from operator import attrgetter

import msgspec
import pyarrow as pa

from benchmarks.peers.to_arrow import batch_of
from benchmarks.schema import NAMES
from benchmarks.taking import take


class Made(msgspec.Struct):
    """A record."""

    id: int
    uid: str
    email: str
    created_at: dt.datetime
    day: dt.date
    amount: Decimal
    score: float
    active: bool
    country: str
    note: str
    meta: str
    status: int


def batches(path: str) -> Iterator[pa.RecordBatch]:
    """Blocks of about 4 MB of whole lines, decoded."""
    decoder = msgspec.json.Decoder(Made)
    fields = attrgetter(*NAMES)
    with open(path, "rb") as file:  # noqa: PTH123  # as short as it gets: this is timed
        while lines := file.readlines(4 << 20):
            records = decoder.decode_lines(b"".join(lines))
            yield batch_of(zip(*map(fields, records), strict=True))


take(batches(sys.argv[1]))
