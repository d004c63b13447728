"""What the text formats have in common: from a position on, block by block, each with its exact byte offset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import pyarrow as pa

from active_data_flow.connectors.file.changes import Fingerprints, change_of, was_at_end
from active_data_flow.connectors.file.client import FileInfo
from active_data_flow.connectors.file.formats.blocks import Block, BlockCutter, Broken, Cutter, Stuck
from active_data_flow.connectors.file.formats.format import Extent, FileFormat
from active_data_flow.connectors.file.formats.parsing import INFERENCE_BYTES, BlockSource, Parsed, Parser, Reading
from active_data_flow.connectors.file.formats.rejecting import Places, reject_at, text_of
from active_data_flow.connectors.file.formats.streams import ByteStream, compression_of, open_stream
from active_data_flow.connectors.file.splits import FileSplit
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.errors import SourceChangedError, SourceError, SourceUnavailableError
from active_data_flow.source_support import IDLE, Signal

_PARSE_THREADS = 2


class Opened(NamedTuple):
    """What reads a file's records.

    Attributes:
        parser: Parses blocks of them.
        cutter: Knows where they end.
        begin: Where they begin in the (decompressed) file.
    """

    parser: Parser
    cutter: Cutter
    begin: int


class TextFormat(FileFormat):
    """A format of records that follow each other in text."""

    grows = True
    ends_with_records = True
    """Whether a file ends where its last record ends."""

    @abstractmethod
    def open_parser(self, split: FileSplit, places: Places) -> Opened:
        """What reads the file's records, and where they begin."""

    @abstractmethod
    def cutter(self, path: str) -> Cutter:
        """What knows where records end."""

    def why_not_ranges(self, path: str) -> str | None:
        """Why a file can't be read in ranges; None where it can."""
        if compression_of(self.client, self.options, path) != "none":
            return "it is compressed"
        if self.options.encoding not in ("utf-8", "utf-8-sig", "ascii"):
            return f"its encoding is {self.options.encoding}"
        return None

    def extent(self, info: FileInfo, start: int) -> Extent | str:
        """The bytes of the file, where records can be found from any byte on."""
        reason = self.why_not_ranges(info.path)
        return reason or Extent(info.size, self.options.split_size)

    def follows(self, path: str) -> bool:
        """Files that are not compressed grow byte by byte."""
        return compression_of(self.client, self.options, path) == "none"

    def read(self, split: FileSplit, position: Any) -> Iterator[Batch | Signal]:
        """Batches of a split from a position on."""
        while self.options.follow and position is None and self.client.stat(split.path) is None:
            yield IDLE  # it went before it was read; it may come back
        if not (self.options.follow and split.end is None and self._goes_on(split, position)):
            yield from self._read_once(split, position)
            return
        while True:
            if position is None or position["offset"] < split.size:
                position = yield from self._look(split, position)
            yield IDLE
            split = self._grown(split, position)

    def _look(self, split: FileSplit, position: Any) -> Generator[Batch, None, Any]:
        """What a file has by now; returns the position behind it.

        A frame of its own, so that a file with nothing new, of which there may be very many, keeps none of its batches.
        """
        for item in self._read_once(split, position):
            position = item.position
            if item.num_rows or item.rejects:
                yield replace(item, finished=False)
        return position

    def _goes_on(self, split: FileSplit, position: Any) -> bool:
        return (position is not None and was_at_end(position)) or self.follows(split.path)

    def _grown(self, split: FileSplit, position: Any) -> FileSplit:
        """The split with the file's size of now."""
        info = self.client.stat(split.path)
        if info is None:
            return split  # moved away: it may come back
        reason = change_of(self.client, info, position)
        if reason is not None:
            error = SourceChangedError if self.options.on_change == "fail" else SourceUnavailableError
            raise error(f"{split.path}: the file was rewritten while it was followed: {reason}; see on_change")
        return replace(split, size=info.size, mtime_ns=info.mtime_ns)

    def _read_once(self, split: FileSplit, position: Any) -> Iterator[Batch]:
        places = Places(self.client, self.options, split.path, 0)
        parser, ends, begin = self.open_parser(split, places)
        at = self._start(split, position, begin)
        places.start = at
        witness = _Witness(self, split)
        with witness, closing(open_stream(self.client, self.options, split.path, at)) as stream:
            end = split.end if split.end is not None else split.size
            cutter = self.block_source(stream, ends, places, at, end if stream.plain else None, self.options.block_size)
            reading = Reading(cutter, parser, lambda broken: _refused(places, broken, split.split_id))
            terminated = True if position is None else not position.get("open", False)
            for item, parsed in reading.items(self._pool):
                at, terminated = item.end, not isinstance(item, Block) or item.terminated
                yield _batch(split, witness.position(at, terminated=terminated), item, parsed)
                if item.final:
                    return
            self._check_not_cut(split, at, plain=stream.plain)
            end_position = witness.position(at, terminated=terminated)
            yield Batch(parser.nothing(), split.split_id, end_position, finished=True)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """Threads that parse, for all files: each new thread would get memory of its own, which none gives back."""
        return ThreadPoolExecutor(_PARSE_THREADS, "adf-file")

    def block_source(
        self, stream: ByteStream, cutter: Cutter, places: Places, at: int, end: int | None, block_size: int
    ) -> BlockSource:
        """What cuts a stream into blocks."""
        del places
        return BlockCutter(
            stream,
            cutter,
            start=at,
            end=end,
            block_size=block_size,
            max_record=self.options.max_record_bytes,
            leave_unterminated=self.options.leaves_unterminated,
        )

    def _start(self, split: FileSplit, position: Any, begin: int) -> int:
        """Where reading begins: at the position, else at the first record of the split."""
        if position is not None:
            return max(int(position["offset"]), begin)
        return max(self._first_line(split.path, split.start), begin) if split.start else begin

    def _first_line(self, path: str, start: int) -> int:
        """The first line that starts at `start` or behind it."""
        at = start - 1
        with closing(open_stream(self.client, self.options, path, at)) as stream:
            while data := stream.read(self.options.block_size):
                cut = data.find(b"\n") + 1
                if cut:
                    return at + cut
                at += len(data)
        return at

    def first_block(self, path: str, begin: int) -> bytes:
        """The records that types are inferred over; empty where there are none."""
        with closing(open_stream(self.client, self.options, path, begin)) as stream:
            places = Places(self.client, self.options, path, begin)
            cutter = self.block_source(stream, self.cutter(path), places, begin, None, INFERENCE_BYTES)
            while (found := cutter.next()) is not None:
                if isinstance(found, Stuck):
                    cutter.skip_line(found.reason)
                else:
                    return found.data
        return b""

    def _check_not_cut(self, split: FileSplit, at: int, *, plain: bool) -> None:
        if plain and self.ends_with_records and at < split.limit and not self.options.leaves_unterminated:
            raise SourceChangedError(
                f"{split.path}: the file was cut while it was read: it ends at byte {at:,}, and had {split.limit:,}"
            )


class _Witness:
    """Puts into each position what tells later whether the file is still the same."""

    def __init__(self, text: TextFormat, split: FileSplit) -> None:
        self._compressed = compression_of(text.client, text.options, split.path) != "none"
        self._split = split
        self._file = text.client.open(split.path)
        self._prints = Fingerprints(self._file)
        self._whole = self._prints.seen(split.size, split.size, split.mtime_ns) if self._compressed else None

    def position(self, offset: int, *, terminated: bool) -> dict[str, Any]:
        split = self._split
        known = self._whole or self._prints.seen(offset, max(split.size, offset), split.mtime_ns)
        return {"offset": offset, "seen": known} | ({} if terminated else {"open": True})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def check_complete(text: TextFormat, path: str, position: Mapping[str, Any]) -> None:
    """Refuse to go on behind a last record that was read without its line break and has been added to since.

    Raises:
        SourceChangedError: It has; the record that was read was not complete.
    """
    if not position.get("open"):
        return
    with closing(open_stream(text.client, text.options, path, int(position["offset"]))) as stream:
        data = stream.read(1)
    if data and data[:1] not in (b"\n", b"\r"):
        raise SourceChangedError(
            f"{path}: the last record was read at byte {position['offset']:,} without a line break, and the file goes "
            "on in the same line: that record was not complete. Read the file anew (--from-start, or on_change: "
            "reread), and say unterminated: leave for files that are still being written"
        )


def _batch(split: FileSplit, position: Any, item: Block | Broken, parsed: Parsed) -> Batch:
    rejects = tuple(replace(reject, position=position) for reject in parsed.rejects)
    return Batch(
        parsed.data,
        split.split_id,
        position,
        finished=item.final,
        rejects=rejects,
        records_read=parsed.data.num_rows + len(rejects),
        bytes_read=item.end - item.start,
    )


def _refused(places: Places, broken: Broken, split_id: str) -> Reject:
    place = places.name(broken.lines, broken.start)
    return reject_at(place, f"the record {broken.reason}", text_of(broken.data), split_id)


def not_readable(path: str, reason: str) -> SourceError:
    """The error of a file that is not what its format says."""
    return SourceError(f"{path}: {reason}")


def empty_batch(columns: pa.Schema) -> pa.RecordBatch:
    """No rows of these columns."""
    return pa.RecordBatch.from_arrays([pa.array([], column.type) for column in columns], schema=columns)


__all__ = ["Parsed", "Parser", "TextFormat", "check_complete", "empty_batch", "not_readable"]
