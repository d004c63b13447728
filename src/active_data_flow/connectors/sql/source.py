"""The source: a table or a query, read by key ranges or by a growing column."""

from __future__ import annotations

from typing import Any, ClassVar

from active_data_flow.source_support.contexts import EnumeratorContext, ReaderContext
from active_data_flow.source_support.enumerator import SplitEnumerator
from active_data_flow.source_support.reader import SourceReader
from active_data_flow.source_support.source import SplitSource
from active_data_flow.source_support.split import SplitSerializer


class SqlSource(SplitSource):
    """A table or a query of a database."""

    type: ClassVar[str] = "sql"

    def create_enumerator(self, context: EnumeratorContext[Any]) -> SplitEnumerator[Any]:
        """The one that finds splits."""
        raise NotImplementedError

    def create_reader(self, context: ReaderContext) -> SourceReader[Any]:
        """One that reads."""
        raise NotImplementedError

    def split_serializer(self) -> SplitSerializer[Any]:
        """Splits to JSON and back."""
        raise NotImplementedError


__all__ = ["SqlSource"]
