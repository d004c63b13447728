"""What every format can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.client import FileClient, FileInfo
from active_data_flow.connectors.file.configuration import FileSourceConfiguration
from active_data_flow.connectors.file.splits import FileSplit
from active_data_flow.core.batch import Batch
from active_data_flow.core.schema import arrow_schema
from active_data_flow.source_support import Signal


@dataclass(frozen=True, slots=True)
class Extent:
    """What can be divided of a file: its bytes or row groups.

    Attributes:
        length: How many there are.
        step: How many of them make a split of the wanted size.
    """

    length: int
    step: int


class FileFormat(ABC):
    """Reads files of one format.

    Args:
        options: The source's options.
        client: The file system.
    """

    name: str
    grows: bool
    """Whether a file can be added to, so that reading goes on at its end."""

    def __init__(self, options: FileSourceConfiguration, client: FileClient) -> None:
        self.options = options
        self.client = client

    @property
    def declared(self) -> pa.Schema:
        """The columns that the options give types for."""
        return arrow_schema(self.options.types or {})

    @abstractmethod
    def infer(self, info: FileInfo) -> pa.Schema | None:
        """All columns of a file, with the declared types and, for the others, those of its first block.

        None where it has no record to tell by.

        Raises:
            SourceError: The file is not of this format.
        """

    @abstractmethod
    def read(self, split: FileSplit, position: Any) -> Iterator[Batch | Signal]:
        """Batches of a split from a position on; the last one is finished.

        Raises:
            SourceError: The file can't be read further; what was read before has been given out.
        """

    def extent(self, info: FileInfo, start: int) -> Extent | str:
        """What can be divided of a file from `start` on, or why it is read as one."""
        del info, start
        return f"{self.name} is read as a whole"

    def follows(self, path: str) -> bool:
        """Whether the end of a file can be waited at."""
        del path
        return False


def columns_of(split: FileSplit) -> pa.Schema:
    """The columns that the source has settled on."""
    return arrow_schema(dict(split.types))


__all__ = ["Extent", "FileFormat", "columns_of"]
