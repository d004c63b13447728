"""Reads files: one after the other, or, while following, all of them in turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from active_data_flow.connectors.file.formats import Formats
from active_data_flow.connectors.file.splits import FileSplit
from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.source_support import END, IDLE, ReaderContext, Signal, SourceReader, SplitReader
from active_data_flow.source_support.contexts import Assigned


def read_split(formats: Formats, split: FileSplit, position: Position) -> Iterator[Batch | Signal]:
    """Batches of a split; errors say which."""
    try:
        yield from formats.of(split.path).read(split, position)
    except ActiveDataFlowError as error:
        raise error.at(connector="file", split=split.split_id) from error.__cause__


class FileReader(SplitReader[FileSplit]):
    """Reads files one after the other.

    Args:
        context: The engine.
        formats: The format of each file.
    """

    def __init__(self, context: ReaderContext, formats: Formats) -> None:
        super().__init__(context)
        self._formats = formats

    def read(self, split: FileSplit, position: Position) -> Iterator[Batch | Signal]:
        """Batches of one file, or of its part."""
        return read_split(self._formats, split, position)


@dataclass(slots=True)
class _Tail:
    """A file that is followed."""

    split: FileSplit
    position: Position
    batches: Iterator[Any]
    next_look: float = 0.0


class FollowingReader(SourceReader[FileSplit]):
    """Reads all its files in turn, and looks at each again after some time.

    Args:
        context: The engine.
        formats: The format of each file.
        interval: Seconds between two looks at a file.
    """

    def __init__(self, context: ReaderContext, formats: Formats, interval: float) -> None:
        self._context = context
        self._formats = formats
        self._interval = interval
        self._tails: deque[_Tail] = deque()
        self._no_more = False

    def start(self) -> None:
        """Ask for the first file."""
        self._context.send_split_request()

    def add_splits(self, splits: Assigned[FileSplit]) -> None:
        """Follow them too, and ask for more."""
        for assigned in splits:
            batches = read_split(self._formats, assigned.split, assigned.position)
            self._tails.append(_Tail(assigned.split, assigned.position, batches))
        self._context.send_split_request()

    def no_more_splits(self) -> None:
        """END follows when all files are finished."""
        self._no_more = True

    def poll(self) -> Batch | Signal:
        """The next batch of any file; IDLE where none has anything new."""
        now = self._context.clock.monotonic()
        for _ in range(len(self._tails)):
            tail = self._tails[0]
            self._tails.rotate(-1)
            if tail.next_look > now:
                continue
            item = next(tail.batches)
            if isinstance(item, Batch):
                tail.position = item.position
                if item.finished:
                    self._tails.remove(tail)
                return item
            tail.next_look = now + self._interval
        return END if self._no_more and not self._tails else IDLE

    def snapshot(self) -> Sequence[tuple[FileSplit, Position]]:
        """All files that are followed."""
        return [(tail.split, tail.position) for tail in tuple(self._tails)]

    def close(self) -> None:
        """Close all files."""
        while self._tails:
            close: Any = getattr(self._tails.popleft().batches, "close", None)
            if close is not None:
                close()


__all__ = ["FileReader", "FollowingReader"]
