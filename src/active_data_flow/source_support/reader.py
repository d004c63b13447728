"""Reads splits, a batch at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from enum import Enum
from typing import Any, Generic

from active_data_flow.core.batch import Batch, Position
from active_data_flow.source_support.contexts import Assigned, AssignedSplit, ReaderContext
from active_data_flow.source_support.split import SplitT


class Signal(Enum):
    """What a poll answers when it has no batch."""

    IDLE = "idle"
    """Nothing at the moment; ask again."""
    END = "end"
    """There will be nothing any more."""


IDLE = Signal.IDLE
END = Signal.END


class SourceReader(ABC, Generic[SplitT]):
    """A source, open, in one lane.

    All methods are called by one thread, but `add_splits` and `no_more_splits`, which the enumerator's side may call
    from another.
    """

    def start(self) -> None:
        """Called once before the first poll; usually asks for a split."""

    @abstractmethod
    def poll(self) -> Batch | Signal:
        """The next batch, `IDLE` or `END`; never blocks for long.

        The last batch of a split has ``finished=True`` (its data may be empty), so that the end is committed too.
        """

    @abstractmethod
    def add_splits(self, splits: Assigned[SplitT]) -> None:
        """Splits that the enumerator has assigned."""

    def no_more_splits(self) -> None:
        """No split will be added any more: `poll` answers END after those it has."""

    @abstractmethod
    def snapshot(self) -> Sequence[tuple[SplitT, Position]]:
        """Splits not read to their end, each with the position up to which batches were given out."""

    def close(self) -> None:
        """Release everything. May be called twice."""


class SplitReader(SourceReader[SplitT]):
    """A reader that reads its splits one after the other: override `read`, which may be a generator."""

    def __init__(self, context: ReaderContext) -> None:
        self._context = context
        self._assigned: deque[AssignedSplit[SplitT]] = deque()
        self._current: AssignedSplit[SplitT] | None = None
        self._batches: Iterator[Batch | Signal] | None = None
        self._no_more = False

    @abstractmethod
    def read(self, split: SplitT, position: Position) -> Iterator[Batch | Signal]:
        """Batches of one split from a position (None: from its start); may yield IDLE when it has to wait.

        The last one has ``finished=True``; a split without end never finishes.
        """

    def start(self) -> None:
        """Ask for the first split."""
        self._context.send_split_request()

    def add_splits(self, splits: Assigned[SplitT]) -> None:
        """Queue them."""
        self._assigned.extend(splits)

    def no_more_splits(self) -> None:
        """END follows after what is queued."""
        self._no_more = True

    def poll(self) -> Batch | Signal:
        """The next batch of the current split, or of the next one."""
        if self._batches is None and not self._open_next():
            return END if self._no_more and not self._assigned else IDLE
        assert self._batches is not None
        assert self._current is not None
        item = next(self._batches)
        if isinstance(item, Batch):
            self._current.position = item.position
            if item.finished:
                self._close_current()
                if not self._assigned:
                    self._context.send_split_request()
        return item

    def snapshot(self) -> Sequence[tuple[SplitT, Position]]:
        """The current split and those that wait."""
        current = [] if self._current is None else [self._current]
        return [(assigned.split, assigned.position) for assigned in (*current, *self._assigned)]

    def close(self) -> None:
        """Close the current split."""
        self._close_current()

    def look_again(
        self, look: Callable[[], Generator[Batch | Signal, None, bool]], *, follow: bool, interval: float
    ) -> Iterator[Batch | Signal]:
        """What there is of a split that may grow, for `read`: found by one look, or, to follow, by look after look.

        Args:
            look: Gives everything that is there now, and returns whether that was anything.
            follow: Go on looking, without end.
            interval: Seconds to wait after a look that has found nothing.
        """
        while True:
            found = yield from look()
            if not follow:
                return
            again = self._context.clock.monotonic() + interval
            while not found and self._context.clock.monotonic() < again:
                yield IDLE

    def _open_next(self) -> bool:
        if not self._assigned:
            return False
        self._current = self._assigned.popleft()
        self._batches = self.read(self._current.split, self._current.position)
        return True

    def _close_current(self) -> None:
        close: Any = getattr(self._batches, "close", None)
        self._batches = None
        self._current = None
        if close is not None:
            close()


__all__ = ["END", "IDLE", "Signal", "SourceReader", "SplitReader"]
