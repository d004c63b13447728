"""The easy way to read: one method."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from active_data_flow.core.component import Component

if TYPE_CHECKING:
    import pyarrow as pa


class Source(Component):
    """A place to read from. Override `each`; options are annotated fields.

    The engine reads a simple source as one split. For parallel reading, resuming inside, or reading without end, derive
    from `active_data_flow.source_support.SplitSource` instead.

    Attributes:
        replayable: Whether `each` gives the same messages in the same order every time it is called. Only then can
            a killed run go on behind the last committed message; otherwise it begins anew.

    Example:
        >>> class Countdown(Source):
        ...     start: int
        ...     def each(self):
        ...         for number in range(self.start, 0, -1):
        ...             yield {"number": number}
        >>> [message["number"] for message in Countdown(start=3).each()]
        [3, 2, 1]
    """

    replayable: ClassVar[bool] = False

    @abstractmethod
    def each(self) -> Iterator[Mapping[str, Any]]:
        """Iterate the messages, from the first."""

    def static_schema(self) -> pa.Schema | None:
        """Columns and types, where they can be told without connecting to anything; else None."""
        return None


__all__ = ["Source"]
