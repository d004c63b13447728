"""A source that is read in splits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.source import Source
from active_data_flow.source_support.contexts import EnumeratorContext, ReaderContext
from active_data_flow.source_support.enumerator import SplitEnumerator
from active_data_flow.source_support.reader import SourceReader
from active_data_flow.source_support.split import SplitSerializer


class Boundedness(Enum):
    """Whether a source ends."""

    BOUNDED = "bounded"
    ENDLESS = "endless"


class SplitSource(Source):
    """A source of batches: factory of an enumerator, which finds splits, and of readers, which read them."""

    @property
    def boundedness(self) -> Boundedness:
        """Whether it ends by itself."""
        return Boundedness.BOUNDED

    @property
    def discover_interval(self) -> float:
        """Seconds between two looks for new splits, of an endless source."""
        return 1.0

    @abstractmethod
    def create_enumerator(self, context: EnumeratorContext[Any]) -> SplitEnumerator[Any]:
        """The one that finds splits; one a run."""

    @abstractmethod
    def create_reader(self, context: ReaderContext) -> SourceReader[Any]:
        """One that reads; one a lane."""

    @abstractmethod
    def split_serializer(self) -> SplitSerializer[Any]:
        """Splits to JSON and back."""

    def arrow_schema(self) -> pa.Schema | None:
        """Columns and types of the batches, where they are known before reading (it may look at the source)."""
        return None

    def total_bytes(self) -> int | None:
        """Bytes that there are to read, for progress; None where that can't be told quickly."""
        return None

    def reading_as(self, schema: pa.Schema) -> SplitSource:
        """The source with its columns read as these types at once, where it can do that; else the source as it is."""
        return self

    def split_notes(self) -> list[str]:
        """For ``adf explain``: into what splits it is read, and why not into more."""
        return []

    def reads_again(self) -> str:
        """Where the run after a complete one reads everything again: what makes it read only what is new; else empty.

        ``adf explain`` and ``adf check`` warn of such a source before a sink that would have its records twice.
        """
        return ""

    def batches(self) -> Iterator[Batch]:
        """All batches from the start, in this thread, without an engine; an endless source gives what is there."""
        from active_data_flow.source_support.direct import read_batches

        return read_batches(self)

    def each(self) -> Iterator[Mapping[str, Any]]:
        """All messages from the start, in this thread, without an engine.

        Raises:
            RecordError: A record can't be used; without an engine there is nowhere to put it.
        """
        from active_data_flow.source_support.direct import read_messages

        return read_messages(self)


__all__ = ["Boundedness", "SplitSource"]
