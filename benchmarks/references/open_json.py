"""JSON lines to Arrow by `pyarrow.json.open_json`, typed: python -m benchmarks.references.open_json PATH.

It reads no date from text: a timestamp is read and cast.
"""

import sys

import pyarrow as pa
import pyarrow.json as pajson

from benchmarks.columns import COLUMNS
from benchmarks.taking import take

schema = pa.schema(COLUMNS | {"day": pa.timestamp("s")})
reader = pajson.open_json(
    sys.argv[1],
    read_options=pajson.ReadOptions(block_size=2**20),
    parse_options=pajson.ParseOptions(explicit_schema=schema),
)
take(batch.cast(pa.schema(COLUMNS)) for batch in reader)
