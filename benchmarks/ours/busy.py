"""A flow whose Python code is what costs; `BENCHMARK_SOURCE` and `BENCHMARK_SINK` say from where to where."""

import hashlib
import json
import os
from typing import Any

from active_data_flow import DataFlow, FileSink, FileSource
from benchmarks.schema import NULLABLE


class Busy(DataFlow):
    """Parses a field of JSON and signs the record."""

    source = FileSource(path=os.environ["BENCHMARK_SOURCE"])
    schema = NULLABLE
    sink = FileSink(path=os.environ["BENCHMARK_SINK"], format="parquet")

    def transform(self, message: Any) -> Any:
        """One record."""
        meta = json.loads(message["meta"])
        text = f"{message['uid']}{message['email']}{meta['n']}"
        return message | {"meta": hashlib.sha256(text.encode()).hexdigest()}
