"""A flow whose Python code is what costs; from where to where, the command says."""

import hashlib
import json
from typing import Any

from active_data_flow import DataFlow, FileSink, FileSource
from benchmarks.schema import NULLABLE


class Busy(DataFlow):
    """Parses a field of JSON and signs the record."""

    source = FileSource(path="made.csv")
    schema = NULLABLE
    sink = FileSink(path="out/", format="parquet")

    def transform(self, message: Any) -> Any:
        """One record."""
        meta = json.loads(message["meta"])
        text = f"{message['uid']}{message['email']}{meta['n']}"
        return message | {"meta": hashlib.sha256(text.encode()).hexdigest()}
