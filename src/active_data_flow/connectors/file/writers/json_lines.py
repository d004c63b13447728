"""JSON lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from active_data_flow.core.json_text import json_rows


class JsonLinesEncoder:
    """Rows as JSON lines, UTF-8."""

    trailer = b""
    separator = b"\n"

    def opening(self, schema: pa.Schema) -> bytes:  # like the other encoders
        """Nothing stands before the first row."""
        return b""

    def rows(self, batch: pa.RecordBatch, *, first: bool) -> Iterator[memoryview]:  # likewise
        """The rows, in order."""
        return json_rows(batch, "", "\n")


__all__ = ["JsonLinesEncoder"]
