"""The channel between an enumerator and its readers, in whatever thread, process or machine they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.clock import Clock
from active_data_flow.source_support.split import Split, SplitT

SplitT_contra = TypeVar("SplitT_contra", bound=Split, contravariant=True)


class EnumeratorContext(Protocol[SplitT_contra]):
    """What an enumerator can ask and say.

    Implementations: the engine's coordinator; a Flink job manager; a test.
    """

    @property
    def restored(self) -> Mapping[str, SplitState]:
        """Committed state of every split of earlier runs, by split id.

        Unfinished ones are the enumerator's to assign again; the engine gives the committed position to the reader.
        """
        ...

    def current_parallelism(self) -> int:
        """Number of readers there will be."""
        ...

    def assign_split(self, split: SplitT_contra, reader: int) -> None:
        """Give a split to a reader; where the split's id was restored, it goes on at its committed position."""
        ...

    def signal_no_more_splits(self, reader: int) -> None:
        """Nothing will be assigned to that reader any more."""
        ...


class ReaderContext(Protocol):
    """What a reader can ask and say."""

    @property
    def reader(self) -> int:
        """Number of the reader, from 0."""
        ...

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Hints of the engine to the reader, as ``max_batch_bytes``."""
        ...

    @property
    def clock(self) -> Clock:
        """The time as the run sees it, for whatever a reader does now and then."""
        ...

    def send_split_request(self) -> None:
        """Ask the enumerator for another split; the answer comes by `SourceReader.add_splits`."""
        ...

    def count(self, metric: str, value: float = 1) -> None:
        """Add to a metric of the reader."""
        ...


class AssignedSplit(Generic[SplitT]):
    """A split with the position to go on from.

    Attributes:
        split: The split.
        position: Committed position; None to begin at the start of the split.
    """

    __slots__ = ("position", "split")

    def __init__(self, split: SplitT, position: Any = None) -> None:
        self.split = split
        self.position = position

    def __repr__(self) -> str:
        return f"AssignedSplit({self.split!r}, position={self.position!r})"


Assigned = Sequence[AssignedSplit[SplitT]]

__all__ = ["Assigned", "AssignedSplit", "EnumeratorContext", "ReaderContext"]
