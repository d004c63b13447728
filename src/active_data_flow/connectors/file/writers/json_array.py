"""A JSON array of objects, one a line."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from active_data_flow.core.json_text import json_rows

_WHITE = b" \t\r\n"


class JsonArrayEncoder:
    """Rows as elements of one array, UTF-8. The closing bracket is the file's trailer: later rows go before it."""

    trailer = b"\n]\n"
    separator = b""

    def opening(self, schema: pa.Schema) -> bytes:  # like the other encoders
        """The opening bracket."""
        return b"["

    def rows(self, batch: pa.RecordBatch, *, first: bool) -> Iterator[memoryview]:
        """The rows, in order, each after a comma; the first of the array without one."""
        for text in json_rows(batch, ",\n", ""):
            yield text[1:] if first else text
            first = False


def content_of_array(end: bytes) -> tuple[int, bool] | None:
    """Where the elements of an array end.

    Args:
        end: The last bytes of the file.

    Returns:
        Bytes from the end of the last element (or from the opening bracket) to the end of the file, and whether the
        array is empty; None where no array ends here.
    """
    stripped = end.rstrip(_WHITE)
    if not stripped.endswith(b"]"):
        return None
    content = stripped[:-1].rstrip(_WHITE)
    return len(end) - len(content), content.endswith(b"[")


__all__ = ["JsonArrayEncoder", "content_of_array"]
