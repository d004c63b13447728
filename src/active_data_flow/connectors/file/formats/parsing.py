"""What the text formats have in common: blocks of whole records, parsed ahead, each with its exact byte offset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import pyarrow as pa

from active_data_flow.connectors.file.formats.blocks import Block, Broken, Stuck
from active_data_flow.core.batch import Reject
from active_data_flow.core.errors import SourceError

INFERENCE_BYTES = 2**20
"""Types are inferred over this much; always the same, so that a restart infers the same."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a block holds.

    Attributes:
        data: The good records.
        rejects: The others.
        proven: Whether every line of the block was a record.
    """

    data: pa.RecordBatch
    rejects: tuple[Reject, ...] = ()
    proven: bool = True


class Parser(ABC):
    """Parses the blocks of one split; `parse` may be called by several threads at once."""

    @abstractmethod
    def parse(self, block: Block) -> Parsed:
        """The records of a block; never raises for a record."""

    @abstractmethod
    def nothing(self) -> pa.RecordBatch:
        """No records, in the columns that there are."""

    def wrong_cut(self) -> None:  # only CSV guesses
        """A block's end was not a record's end."""


class BlockSource(Protocol):
    """Cuts a file into blocks."""

    def next(self) -> Block | Stuck | None:
        """The next block, or that what comes next is no record; None behind the last one.

        Raises:
            SourceError: The file can't be read further; comes behind all whole records before that place.
        """
        ...

    def push_back(self, block: Block, rest: bytes) -> None:
        """Cut again from a block's start; `rest` is what was cut behind it."""
        ...

    def skip_line(self, reason: str) -> Broken:
        """Pass over what is no record."""
        ...


class Reading:
    """One split while it is read: blocks are parsed ahead, and come out in order.

    Args:
        cutter: Cuts the blocks.
        parser: Parses them.
        refuse: Makes the reject of a stretch that is no record.
        ahead: Blocks that may be parsed ahead.
    """

    def __init__(self, cutter: BlockSource, parser: Parser, refuse: Callable[[Broken], Reject], ahead: int = 4) -> None:
        self._cutter = cutter
        self._parser = parser
        self._refuse = refuse
        self._ahead = ahead
        self._pending: deque[tuple[Block, Callable[[], Parsed]]] = deque()
        self._stuck: Stuck | None = None
        self._failure: SourceError | None = None

    def items(self, pool: Executor) -> Iterator[tuple[Block | Broken, Parsed]]:
        """Blocks with their records, in order; a failure of the file comes behind what could be read."""
        while True:
            self._look_ahead(pool)
            if self._pending:
                block, result = self._pending.popleft()
                parsed = result()
                if block.certain or parsed.proven:
                    yield block, parsed
                else:
                    self._cut_again(block)
            elif self._stuck is not None:
                broken = self._cutter.skip_line(self._stuck.reason)
                self._stuck = None
                yield broken, Parsed(self._parser.nothing(), (self._refuse(broken),))
            elif self._failure is not None:
                raise self._failure
            else:
                return

    def _look_ahead(self, pool: Executor) -> None:
        while len(self._pending) < self._ahead and self._stuck is None and self._failure is None:
            try:
                found = self._cutter.next()
            except SourceError as error:
                self._failure = error
                return
            if found is None:
                return
            if isinstance(found, Stuck):
                self._stuck = found
            else:
                self._pending.append((found, self._begin(pool, found)))

    def _begin(self, pool: Executor, block: Block) -> Callable[[], Parsed]:
        """Have a block parsed; one that is alone is by the caller, who could do nothing else meanwhile."""
        if block.final and not self._pending:
            return partial(self._parser.parse, block)
        return pool.submit(self._parser.parse, block).result

    def _cut_again(self, block: Block) -> None:
        """What was cut behind a wrong end is put back; the cutter raises a failure again when it comes there."""
        self._parser.wrong_cut()
        later = b"".join(item.data for item, _ in self._pending)
        self._pending.clear()
        self._stuck = self._failure = None
        self._cutter.push_back(block, later)


__all__ = ["INFERENCE_BYTES", "BlockSource", "Parsed", "Parser", "Reading"]
