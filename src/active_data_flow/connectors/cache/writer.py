"""The sink, open: entries are gathered, and handed to the cache in pieces while the next ones are made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from active_data_flow.connectors.cache.client import Cache
from active_data_flow.connectors.cache.configuration import CacheSinkConfiguration
from active_data_flow.connectors.cache.entries import Entries, EntryMaker, Fault, rejects_of
from active_data_flow.core.background import Background
from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.errors import ActiveDataFlowError, SinkError
from active_data_flow.core.sink import Writer, WriterContext

MAX_BYTES = 8 * 2**20
"""Entries of about this size are handed to the cache at once, if `batch_size` is not reached before."""
_PIECES = 4
"""Pieces that may be on their way, so that a batch of several does not wait for them one by one."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Some of the entries of a batch."""

    entries: Entries
    start: int
    stop: int

    @property
    def keys(self) -> list[str]:
        return self.entries.keys[self.start : self.stop]

    @property
    def values(self) -> list[Any]:
        return self.entries.values[self.start : self.stop]

    @property
    def seconds(self) -> list[int | None]:
        assert self.entries.seconds is not None
        return self.entries.seconds[self.start : self.stop]


class CacheWriter(Writer):
    """Makes entries of rows and hands them to the cache, `CacheSink.batch_size` at a time.

    A server takes some pieces while the next are made ready; whatever else needs the cache waits for that first.
    """

    def __init__(
        self, options: CacheSinkConfiguration, cache: Cache, maker: EntryMaker, context: WriterContext
    ) -> None:
        self._options = options
        self._cache = cache
        self._maker = maker
        self._context = context
        self._pending: list[_Span] = []
        self._rows = 0
        self._bytes = 0
        self._sending = Background("adf-cache", _PIECES) if cache.is_remote else None
        self._answers: deque[tuple[list[_Span], list[str], dict[str, str]]] = deque()

    def write(self, batch: Batch) -> None:
        """Take the rows; a piece goes to the cache when enough of them are there."""
        entries, rejects = self._maker.entries(batch)
        self._reject(rejects)
        start, count = 0, len(entries.keys)
        while start < count:
            stop = min(count, start + self._options.batch_size - self._rows)
            self._pending.append(_Span(entries, start, stop))
            self._rows += stop - start
            self._bytes += entries.bytes * (stop - start) // count
            if self._rows >= self._options.batch_size or self._bytes >= MAX_BYTES:
                self._hand_over()
            start = stop

    def flush(self) -> None:
        """Hand everything to the cache; what it refuses has been rejected when this returns."""
        self._hand_over()
        self._settle()
        self._cache.rest()

    def close(self) -> None:
        """Forget what was not handed over, and disconnect."""
        self._pending.clear()
        self._rows = self._bytes = 0
        if self._sending is not None:
            with suppress(ActiveDataFlowError):  # what fails now was not committed, and is written again
                self._sending.wait()
        self._cache.close()

    def _hand_over(self) -> None:
        self._hear()
        spans, self._pending = self._pending, []
        self._rows = self._bytes = 0
        if self._sending is None:
            self._send(spans)
        else:
            self._sending.start(lambda: self._send(spans))

    def _send(self, spans: list[_Span]) -> None:
        for seconds, piece in self._pieces(spans):
            self._answers.append((spans, list(piece), self._cache.set_many(piece, seconds)))

    def _settle(self) -> None:
        """Return when nothing is on its way, and all has been heard of."""
        if self._sending is not None:
            self._sending.wait()
        self._hear()

    def _hear(self) -> None:
        """Tell those that listen of what has arrived, and reject what was refused."""
        while self._answers:
            spans, keys, refused = self._answers.popleft()
            if self._options.on_written is not None:
                self._options.on_written([key for key in keys if key not in refused])
            if refused:
                self._refuse(spans, refused)

    def _pieces(self, spans: list[_Span]) -> Iterable[tuple[int | None, dict[str, Any]]]:
        """Key -> value, by time to live; the last of several records with the same key stays."""
        if not spans:
            return ()
        if spans[0].entries.seconds is None:
            return [(self._maker.seconds, {key: value for span in spans for key, value in _pairs(span)})]
        last = {key: pair for span in spans for key, *pair in zip(span.keys, span.values, span.seconds, strict=True)}
        pieces: dict[int | None, dict[str, Any]] = {}
        for key, (value, seconds) in last.items():
            pieces.setdefault(seconds, {})[key] = value
        return pieces.items()

    def _refuse(self, spans: list[_Span], refused: dict[str, str]) -> None:
        """Reject all records of the keys that the cache has refused, those that a later one would have replaced too."""
        for span in spans:
            faults = {
                row: Fault(f"the cache refuses the key {key!r}: {refused[key]}", SinkError.__name__)
                for row, key in enumerate(span.keys, span.start)
                if key in refused
            }
            self._reject(rejects_of(span.entries.batch, faults), refused=True)

    def _reject(self, rejects: Iterable[Reject], *, refused: bool = False) -> None:
        for reject in rejects:
            if self._options.on_error is not None:
                self._options.on_error(reject)
            if refused and self._options.fail_on_error:
                raise SinkError(f"{reject.error}; fail_on_error is set")
            self._context.reject(reject)


def _pairs(span: _Span) -> Iterator[tuple[str, Any]]:
    return zip(span.keys, span.values, strict=True)


__all__ = ["MAX_BYTES", "CacheWriter"]
