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

    A file is read up to the end that it had at the look; only then comes the next. So one file is open at a time,
    however many there are, and one that grows without pause holds up the others for no longer than its turn. After
    each turn another file is asked for and comes next, so that all lanes get their share of many.

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
        self._added: deque[_Tail] = deque()
        self._asked = False
        self._no_more = False

    def start(self) -> None:
        """The first file is asked for by `poll`."""

    def add_splits(self, splits: Assigned[FileSplit]) -> None:
        """Follow them too."""
        for assigned in splits:
            batches = read_split(self._formats, assigned.split, assigned.position)
            self._added.append(_Tail(assigned.split, assigned.position, batches))
        self._asked = False

    def no_more_splits(self) -> None:
        """END follows when all files are finished."""
        self._no_more = True

    def poll(self) -> Batch | Signal:
        """The next batch of any file; IDLE where none has anything new."""
        now = self._context.clock.monotonic()
        seen = 0
        while seen < len(self._tails) or self._take():
            tail = self._tails[0]
            due = tail.next_look <= now
            if due:
                item = next(tail.batches)
                if isinstance(item, Batch):
                    return self._given(tail, item)
                tail.next_look = now + self._interval
            self._tails.rotate(-1)
            seen += 1
            if due:
                self._take()
        return END if self._no_more and not self._tails else IDLE

    def snapshot(self) -> Sequence[tuple[FileSplit, Position]]:
        """All files that are followed."""
        return [(tail.split, tail.position) for tail in (*self._tails, *self._added)]

    def close(self) -> None:
        """Close all files."""
        while self._tails:
            close: Any = getattr(self._tails.popleft().batches, "close", None)
            if close is not None:
                close()

    def _take(self) -> bool:
        """Let a file that was added come next, and ask for another one; returns whether there was one."""
        if not self._added and not self._asked:
            self._asked = True
            self._context.send_split_request()
        if not self._added:
            return False
        self._tails.appendleft(self._added.popleft())
        return True

    def _given(self, tail: _Tail, batch: Batch) -> Batch:
        tail.position = batch.position
        if batch.finished:
            self._tails.popleft()
        return batch


__all__ = ["FileReader", "FollowingReader"]
