"""Cuts a file into blocks of whole records, so that the position after each block is exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from active_data_flow.connectors.file.formats.streams import ByteStream
from active_data_flow.core.errors import SourceError


class Cutter(Protocol):
    """Knows where the records of a format end."""

    def last_end(self, data: bytes) -> tuple[int, bool]:
        """End of the last whole record in `data`, which starts at a record's start, and whether that is certain.

        0 where there is none; an uncertain one is proven by parsing.
        """
        ...

    def first_end(self, data: bytes, minimum: int) -> int:
        """End of the first record that ends at `minimum` or later; 0: none."""
        ...

    def closed(self, rest: bytes) -> bool:
        """Whether a rest without a line break is a whole record."""
        ...


_SHOWN = 1000
_BREAK = ord("\n")
_PIECE = 2**17


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of a file.

    Attributes:
        data: The records as UTF-8.
        start: Where they start in the (decompressed) file.
        end: Where they end.
        lines: Line breaks read before them, since the reading began.
        certain: Whether the end is known to be a record's end; else parsing has to prove it.
        final: Whether these are the last records to read.
        terminated: Whether the last record has its line break.
        width: How many bytes of the file some text is.
        breaks: Line breaks in the data; None: nobody has counted.
    """

    data: bytes
    start: int
    end: int
    lines: int
    certain: bool = True
    final: bool = False
    terminated: bool = True
    width: Callable[[bytes], int] = len
    breaks: int | None = None

    def byte(self, offset: int) -> int:
        """Where a place of the data is in the (decompressed) file, whatever its encoding."""
        return self.start + self.width(self.data[:offset])


@dataclass(frozen=True, slots=True)
class Broken:
    """A stretch of a file that is no record.

    Attributes:
        data: Its begin.
        start: Where it starts in the (decompressed) file.
        end: Where reading goes on.
        lines: Line breaks read before it, since the reading began.
        reason: What is wrong with it.
    """

    data: bytes
    start: int
    end: int
    lines: int
    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class Stuck:
    """What comes next is no record; `BlockCutter.skip_line` passes over it.

    Attributes:
        reason: What is wrong with it.
    """

    reason: str


class BlockCutter:
    """Iterates the blocks of a stream.

    Args:
        stream: The text, from `start` on.
        cutter: Where records end.
        start: Where the stream starts.
        end: Records that start at it or behind it are not read; None: to the end of the file.
        block_size: Bytes of a block.
        max_record: Bytes of the largest record.
        leave_unterminated: Whether a last line without line break is not read.
    """

    def __init__(
        self,
        stream: ByteStream,
        cutter: Cutter,
        *,
        start: int,
        end: int | None,
        block_size: int,
        max_record: int,
        leave_unterminated: bool = False,
    ) -> None:
        self._stream = stream
        self._cutter = cutter
        self._at = start
        self._end = end
        self._block_size = block_size
        self._max_record = max_record
        self._leave = leave_unterminated
        self._buffer = b""
        self._lines = 0
        self._ended = False
        self._finished = False
        self._failure: SourceError | None = None
        self._width = len if stream.plain else stream.width

    def next(self) -> Block | Stuck | None:
        """The next block; None behind the last one.

        Raises:
            SourceError: The file can't be read further; comes behind all whole records before that place.
        """
        while not self._finished:
            if self._end is not None and self._stream.plain and self._at >= self._end:
                self._finished = True
                return None
            self._fill()
            found = self._cut_at_end() if self._ended else self._cut()
            if found is not None:
                return found
            if self._failure is not None:
                raise self._failure
        return None

    def push_back(self, block: Block, rest: bytes) -> None:
        """Cut again from a block's start.

        Args:
            block: The block that was cut in the wrong place.
            rest: The data of the blocks that were cut after it.
        """
        self._buffer = block.data + rest + self._buffer
        self._at = block.start
        self._lines = block.lines
        self._finished = False

    def _fill(self) -> None:
        """Read so much that the buffer has a block; twice as much where a block wasn't enough for one record."""
        room = max(self._max_record + 1 - len(self._buffer), self._block_size)
        wanted = min(max(len(self._buffer), self._block_size), room)
        if self._ended or self._failure is not None or len(self._buffer) > self._max_record:
            return
        try:
            data = self._stream.read(wanted)
        except SourceError as error:
            self._failure = error
            return
        self._ended = not data
        self._buffer = self._buffer + data if self._buffer else data

    def _cut(self) -> Block | Stuck | None:
        cut, certain = self._cutter.last_end(self._buffer)
        if cut:
            return self._take(cut, certain=certain)
        if len(self._buffer) <= self._max_record:
            return None
        if b"\n" in self._buffer:
            return Stuck("opens a quote that is not closed within max_record_bytes")
        return Stuck(f"is larger than max_record_bytes ({self._max_record:,}); raise it to read such records")

    def _cut_at_end(self) -> Block | Stuck | None:
        if not self._buffer:
            self._finished = True
            return None
        cut, certain = self._cutter.last_end(self._buffer)
        rest = self._buffer[cut:]
        if not rest:
            return self._take(cut, certain=certain, final=True)
        if not certain:  # an uncertain end with something behind it: parse up to there first
            return self._take(cut, certain=False)
        return self._unterminated(cut, rest)

    def _unterminated(self, cut: int, rest: bytes) -> Block | Stuck | None:
        """A last record without line break: read, left, or no record at all."""
        closed = self._cutter.closed(rest)
        if cut and (self._leave or not closed):
            return self._take(cut, certain=True, final=self._leave)
        if self._leave:
            self._finished = True
            return None
        if not closed:
            return Stuck("opens a quote that is never closed")
        return self._take(len(self._buffer), certain=True, final=True, terminated=False)

    def _take(self, cut: int, *, certain: bool, final: bool = False, terminated: bool = True) -> Block | None:
        if self._end is not None and self._stream.plain and self._at + cut >= self._end:
            first = self._cutter.first_end(self._buffer[:cut], self._end - self._at) if certain else 0
            cut, final, terminated = (first or cut), certain, terminated or bool(first)
        data = self._buffer if cut == len(self._buffer) else self._buffer[:cut]
        breaks = count_breaks(data)
        end = self._at + self._stream.width(data)
        block = Block(data, self._at, end, self._lines, certain, final, terminated, self._width, breaks)
        self._advance(cut, end, breaks)
        self._finished = final
        return block

    def skip_line(self, reason: str) -> Broken:
        """Pass over one line of text, whatever quotes it has; memory stays bounded."""
        start, lines, head = self._at, self._lines, self._buffer[:_SHOWN].partition(b"\n")[0]
        while True:
            cut = self._buffer.find(b"\n") + 1
            if cut or self._ended or self._failure is not None:
                break
            self._advance(len(self._buffer), self._at + self._stream.width(self._buffer), 0)
            self._fill()
        data = self._buffer[: cut or len(self._buffer)]
        self._advance(len(data), self._at + self._stream.width(data), bool(cut))
        self._finished = self._ended and not self._buffer
        return Broken(head, start, self._at, lines, reason, self._finished)

    def _advance(self, cut: int, at: int, breaks: int) -> None:
        self._buffer = self._buffer[cut:]
        self._at = at
        self._lines += breaks


def count_breaks(data: bytes) -> int:
    """Line breaks in some text; many times faster than counting one by one, in pieces that stay in the cache."""
    signs = np.frombuffer(data, np.uint8)
    return sum(int(np.count_nonzero(signs[at : at + _PIECE] == _BREAK)) for at in range(0, len(signs), _PIECE))


__all__ = ["Block", "BlockCutter", "Broken", "Cutter", "Stuck", "count_breaks"]
