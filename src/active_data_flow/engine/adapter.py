"""Gives the engine one shape: a simple source becomes a source of one split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.clock import Clock
from active_data_flow.core.columns import data_of
from active_data_flow.core.errors import SourceError
from active_data_flow.core.source import Source
from active_data_flow.source_support import (
    EnumeratorContext,
    PendingSplits,
    ReaderContext,
    Signal,
    SplitReader,
    SplitSerializer,
    SplitSource,
)

_BATCH_ROWS = 4096
_BATCH_SECONDS = 1.0
_LOOK_EVERY = 16


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of a simple source from beginning to end.

    Attributes:
        number: Counts the complete readings; a finished one is followed by the next.
    """

    number: int

    @property
    def split_id(self) -> str:
        """The same until the reading is complete."""
        return f"pass-{self.number}"


class _PassEnumerator(PendingSplits[Pass]):
    def __init__(self, context: EnumeratorContext[Pass]) -> None:
        super().__init__(context)
        self._restored = context.restored

    def find(self) -> Iterable[Pass]:
        done = [state.split["number"] for state in self._restored.values() if state.finished]
        return [Pass(max(done, default=0) + 1)]


class _MessageReader(SplitReader[Pass]):
    def __init__(self, context: ReaderContext, source: Source, batch_size: int) -> None:
        super().__init__(context)
        self._source = source
        self._batch_size = batch_size
        self._schema: pa.Schema | None = None

    def read(self, split: Pass, position: Position) -> Iterator[Batch | Signal]:
        done: int = position or 0
        messages = islice(self._source.each(), done, None)
        while rows := _some(messages, self._batch_size, self._context.clock):
            done += len(rows)
            data = self._record_batch(rows)
            yield Batch(
                data,
                split.split_id,
                done if self._source.replayable else None,
                records_read=len(rows),
                bytes_read=data.nbytes,
            )
        yield Batch(pa.RecordBatch.from_pylist([], self._schema or pa.schema([])), split.split_id, done, finished=True)

    def _record_batch(self, rows: list[dict[str, Any]]) -> pa.RecordBatch:
        """Columns keep the type that they had first; columns that come later are added."""
        try:
            data = data_of(rows, self._schema)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            message = f"messages of {self._source.name_in_errors} change their types: {error}; give the flow a schema"
            raise SourceError(message, connector=self._source.name_in_errors) from error
        self._schema = pa.schema([field for field in data.schema if not pa.types.is_null(field.type)])
        return data


def _some(messages: Iterator[Mapping[str, Any]], batch_size: int, clock: Clock) -> list[dict[str, Any]]:
    """The next messages, a batch of them or what comes within a second; none at the end."""
    rows: list[dict[str, Any]] = []
    end = clock.monotonic() + _BATCH_SECONDS
    for message in messages:
        rows.append(dict(message))
        if len(rows) >= batch_size or (len(rows) % _LOOK_EVERY == 0 and clock.monotonic() >= end):
            break
    return rows


class MessageSource(SplitSource):
    """A simple source as the engine reads it: one split; every complete run reads all of it again."""

    inner: Source
    """The simple source."""
    batch_size: int = _BATCH_ROWS
    """Messages that make a batch, where they come within a second."""

    @property
    def variant(self) -> str:
        """That of the source inside; a class of the user's own is ``each``, or ``each:replayable``."""
        own = "each:replayable" if self.inner.replayable else "each"
        return self.inner.variant if self.inner.type else own

    def create_enumerator(self, context: EnumeratorContext[Any]) -> _PassEnumerator:
        """Gives the one split."""
        return _PassEnumerator(context)

    def create_reader(self, context: ReaderContext) -> _MessageReader:
        """Iterates `each` and makes batches of it."""
        return _MessageReader(context, self.inner, self.batch_size)

    def split_serializer(self) -> SplitSerializer[Any]:
        """The number of the pass."""
        return SplitSerializer(_pass_to_json, lambda value: Pass(**value))

    def split_notes(self) -> list[str]:
        """Why it is one split."""
        resume = (
            "goes on behind the last committed message"
            if self.inner.replayable
            else "is not replayable: a run commits once, at its end, and a killed one begins anew"
        )
        return [f"one split: the source gives its messages one after the other; it {resume}"]

    def reads_again(self) -> str:
        """Always: it has no memory of what it gave."""
        return "derive the source from SplitSource, which remembers what it has read"

    @property
    def name_in_errors(self) -> str:
        """The name of the source inside."""
        return self.inner.name_in_errors


def _pass_to_json(split: Pass) -> Mapping[str, Any]:
    return asdict(split)


def as_split_source(source: Source) -> SplitSource:
    """The source itself where it is read in splits, else adapted."""
    return source if isinstance(source, SplitSource) else MessageSource(inner=source)


__all__ = ["MessageSource", "as_split_source"]
