"""Where a lane's transforms run: in its own thread, or in processes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from active_data_flow.core.batch import Batch
from active_data_flow.engine.chain import own_code, ready_made
from active_data_flow.engine.crash_points import crash_point

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow


class Stage(ABC):
    """Turns what a lane reads into what it writes, in the same order."""

    @abstractmethod
    def stream(self, batches: Iterable[Batch | None]) -> Iterator[Batch | None]:
        """Transformed batches; a None that comes in goes out, when all before it has."""

    @abstractmethod
    def committed(self) -> None:
        """What was given out so far is committed."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""


class InThread(Stage):
    """All transforms run in the lane's thread."""

    def __init__(self, flow: DataFlow, lane: int) -> None:
        self._chains = (ready_made(flow, lane), own_code(flow, lane))

    def stream(self, batches: Iterable[Batch | None]) -> Iterator[Batch | None]:
        """Apply all transforms."""
        for batch in batches:
            yield None if batch is None else self._apply(batch)

    def committed(self) -> None:
        """Tell the transforms."""
        for chain in self._chains:
            chain.committed()

    def close(self) -> None:
        """Close the transforms."""
        for chain in self._chains:
            chain.close()

    def _apply(self, batch: Batch) -> Batch:
        crash_point("after-read")
        for chain in self._chains:
            batch = chain.apply(batch)
        crash_point("after-transform")
        return batch


__all__ = ["InThread", "Stage"]
