"""A file that is being written, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pyarrow as pa


class PartFile(Protocol):
    """One open file. All methods raise `OSError` where the disk does."""

    @property
    def size(self) -> int:
        """Bytes in the file so far."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes of rows that are kept in memory."""
        ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Take rows; their columns are those of the first rows."""
        ...

    def drain(self) -> None:
        """Hand the rows kept in memory to the file."""
        ...

    def finish(self) -> None:
        """Write what is left, make all of it durable, and close."""
        ...

    def abandon(self) -> None:
        """Close and delete; may be called after any failure, and twice."""
        ...


OpenPart = Callable[[Path, pa.Schema], PartFile]
"""Opens a new file for rows of a schema."""


__all__ = ["OpenPart", "PartFile"]
