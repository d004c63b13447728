"""The cache sink by itself: python -m benchmarks.ours.write_entries CSV SECONDS; reading the file doesn't count."""

import sys

import django

from active_data_flow.connectors.cache import CacheSink
from active_data_flow.core.batch import Batch
from active_data_flow.core.sink import WriterContext
from benchmarks.references.open_csv import open_csv
from benchmarks.taking import timed


def main(path: str, seconds: int) -> None:
    """Write all rows."""
    batches = [Batch(data, "split", None) for data in open_csv(path)]
    sink = CacheSink(key_attribute="id", prefix="row:", expires_in=seconds)
    with timed():
        writer = sink.open(WriterContext("bench"))
        for batch in batches:
            writer.write(batch)
        writer.flush()
        writer.close()


if __name__ == "__main__":
    django.setup()
    main(sys.argv[1], int(sys.argv[2]))
