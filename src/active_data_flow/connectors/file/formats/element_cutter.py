"""Cuts a JSON array into blocks of whole elements."""

from __future__ import annotations

import re
from typing import NoReturn

from active_data_flow.connectors.file.formats.blocks import Block, Broken
from active_data_flow.connectors.file.formats.json_scan import guess_end, scan_elements
from active_data_flow.connectors.file.formats.rejecting import Places
from active_data_flow.connectors.file.formats.streams import ByteStream
from active_data_flow.core.errors import SourceError

_OPENING = re.compile(rb"[ \t\r\n]*(?:\[[ \t\r\n]*)?")
_BETWEEN = re.compile(rb"[ \t\r\n]*(?:,[ \t\r\n]*)?")
_BLANK = b" \t\r\n"
_EXACT_BLOCKS = 32


def before_element(data: bytes, *, first: bool) -> int:
    """Length of what stands before the first element of a block: the opening bracket or a comma, and blanks."""
    match = (_OPENING if first else _BETWEEN).match(data)
    return match.end() if match else 0


class ElementCutter:
    """Iterates the blocks of an array; a position is the place behind an element, so a block starts with a comma.

    Args:
        stream: The text, from `start` on.
        places: Names places.
        start: Where the stream starts: at the file's begin, or behind an element.
        block_size: Bytes of a block.
        max_record: Bytes of the largest element.
    """

    def __init__(self, stream: ByteStream, places: Places, *, start: int, block_size: int, max_record: int) -> None:
        self._stream = stream
        self._places = places
        self._at = max(start, stream.origin)
        self._block_size = block_size
        self._max_record = max_record
        self._buffer = b""
        self._lines = 0
        self._exact_blocks = 0
        self._finished = False
        self._ended = False
        self._failure: SourceError | None = None

    def next(self) -> Block | None:
        """The next block; None behind the array's end.

        Raises:
            SourceError: The array is not well-formed; comes behind all whole elements before that place.
        """
        while not self._finished:
            self._fill()
            first = self._at <= self._stream.origin
            start = before_element(self._buffer, first=first)
            head, sign = self._buffer[:start].strip(_BLANK), self._buffer[start : start + 1]
            if not sign and self._ended and first and not head:
                self._finished = True  # an empty file
            elif not sign:
                self._need_more()
            elif first and head != b"[":
                self._fail(start, _no_array(sign))
            elif sign == b"]":
                self._close(start, head)
            elif not first and head != b",":
                self._fail(start, "a comma or the closing bracket is expected behind an element")
            elif (block := self._cut(start)) is not None:
                return block
            else:
                self._need_more()
        return None

    def push_back(self, block: Block, rest: bytes) -> None:
        """Cut again from a block's start, now exactly; `rest` is what was cut behind it."""
        self._buffer = block.data + rest + self._buffer
        self._at = block.start
        self._lines = block.lines
        self._finished = False
        self._exact_blocks = _EXACT_BLOCKS

    def skip_line(self, reason: str) -> Broken:
        """Not used: where an element ends can't be told without reading it."""
        raise NotImplementedError(reason)

    def _cut(self, start: int) -> Block | None:
        if not self._exact_blocks:
            end = guess_end(self._buffer, ended=self._ended)
            if end > start:
                return self._take(end, certain=False)
        elements = scan_elements(self._buffer[start:])
        end = int(elements.commas[-1]) if len(elements.commas) else 0
        if elements.end is not None and self._buffer[start + end : start + elements.end].strip(b"," + _BLANK):
            end = elements.end
        if not end:
            return None
        self._exact_blocks = max(self._exact_blocks - 1, 0)
        return self._take(start + len(self._buffer[start : start + end].rstrip(_BLANK)), certain=True)

    def _take(self, end: int, *, certain: bool) -> Block:
        data = self._buffer[:end]
        block = Block(data, self._at, self._at + self._stream.width(data), self._lines, certain)
        self._buffer = self._buffer[end:]
        self._at = block.end
        self._lines += data.count(b"\n")
        return block

    def _fill(self) -> None:
        if len(self._buffer) < self._block_size and not self._ended and self._failure is None:
            self._read(self._block_size)

    def _read(self, size: int) -> None:
        try:
            data = self._stream.read(size)
        except SourceError as error:
            self._failure = error
            return
        self._ended = not data
        self._buffer += data

    def _need_more(self) -> None:
        """Read on inside an element that is larger than a block."""
        if self._failure is not None:
            raise self._failure
        if self._ended:
            self._fail_at_end()
        if len(self._buffer) > self._max_record:
            self._fail(
                before_element(self._buffer, first=False), "the element is larger than max_record_bytes, or has no end"
            )
        self._read(max(len(self._buffer), self._block_size))

    def _close(self, start: int, head: bytes) -> None:
        """The array's end: nothing may follow."""
        if head == b",":
            self._fail(start, "an element is expected behind the comma")
        behind = self._buffer[start + 1 :].lstrip(_BLANK)
        while not behind and not self._ended:
            data = self._stream.read(self._block_size)
            self._ended = not data
            behind = data.lstrip(_BLANK)
        if behind:
            self._fail(start, "there is something behind the array's closing bracket")
        self._finished = True

    def _fail_at_end(self) -> NoReturn:
        start = before_element(self._buffer, first=False)
        size = self._at + self._stream.width(self._buffer)
        place = "in the element that starts here" if self._buffer[start:] else "here, without a closing bracket"
        self._fail(
            start,
            f"the array ends too early, at byte {size:,}, {place}; it was cut off, or a bracket or quote is missing",
        )

    def _fail(self, offset: int, reason: str) -> NoReturn:
        before = self._buffer[:offset]
        place = self._places.name(self._lines + before.count(b"\n"), self._at + self._stream.width(before))
        raise SourceError(f"{place}: {reason}")


def _no_array(sign: bytes) -> str:
    if sign == b"{":
        return "this is no JSON array but an object; if there is one a line, say format: json_lines"
    return "this is no JSON array: it does not start with a bracket"


__all__ = ["ElementCutter", "before_element"]
