"""A source in memory that can all that a source can, for tests of the suite; broken ones are variations of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pyarrow as pa

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.errors import SourceError
from active_data_flow.source_support import (
    Boundedness,
    EnumeratorContext,
    PendingSplits,
    ReaderContext,
    Signal,
    SplitReader,
    SplitSerializer,
    SplitSource,
)
from active_data_flow.testing import SourceHarness

stores: dict[str, list[pa.Table]] = {}
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Part:
    """One of the tables of a store."""

    store: str
    number: int

    @property
    def split_id(self) -> str:
        return f"{self.store}/{self.number}"


class StoredEnumerator(PendingSplits[Part]):
    def __init__(self, context: EnumeratorContext[Part], source: StoredSource) -> None:
        super().__init__(context)
        self.source = source

    @property
    def endless(self) -> bool:
        return self.source.endless

    def find(self) -> Iterable[Part]:
        return [Part(self.source.name, number) for number in range(len(self.source.parts()))]


class StoredReader(SplitReader[Part]):
    def __init__(self, context: ReaderContext, source: StoredSource) -> None:
        super().__init__(context)
        self.source = source

    def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
        stored = self.source.parts()[split.number]
        done: int = position or 0
        while done < stored.num_rows:
            data = self.source.piece(stored, done)
            done += data.num_rows
            yield Batch(data, split.split_id, done, records_read=data.num_rows, bytes_read=data.nbytes)
        yield Batch(self.source.empty(stored), split.split_id, done, finished=True)


class StoredSource(SplitSource):
    """Reads a store in memory; each table of it is a split."""

    reader: ClassVar[Any] = StoredReader
    enumerator: ClassVar[Any] = StoredEnumerator

    name: str
    """Name of the store."""
    poll_rows: int = 10
    """Records a batch."""
    endless: bool = False
    """Wait for more."""

    @property
    def boundedness(self) -> Boundedness:
        return Boundedness.ENDLESS if self.endless else Boundedness.BOUNDED

    def create_enumerator(self, context: EnumeratorContext[Any]) -> StoredEnumerator:
        return self.enumerator(context, self)

    def create_reader(self, context: ReaderContext) -> StoredReader:
        return self.reader(context, self)

    def split_serializer(self) -> SplitSerializer[Any]:
        return SplitSerializer(asdict, lambda value: Part(**value))

    def arrow_schema(self) -> pa.Schema | None:
        return self.parts()[0].schema

    def parts(self) -> list[pa.Table]:
        try:
            return stores[self.name]
        except KeyError:
            raise SourceError(f"there is no store {self.name}") from None

    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        return stored.slice(start, self.poll_rows).combine_chunks().to_batches()[0]

    def empty(self, stored: pa.Table) -> pa.RecordBatch:
        return pa.RecordBatch.from_pylist([], stored.schema)


class StoredHarness(SourceHarness):
    """Any source of the above kind with its store."""

    def __init__(self, source: type[StoredSource]) -> None:
        self._source = source
        self._name = f"store{next(_numbers)}"

    def store(self, *parts: pa.Table) -> None:
        stores[self._name] = list(parts)

    def append(self, table: pa.Table) -> None:
        stores[self._name].append(table)

    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> StoredSource:
        return self._source(name=self._name, poll_rows=poll_rows or 10, endless=endless)

    def lose(self) -> None:
        stores.pop(self._name, None)


__all__ = ["Part", "StoredEnumerator", "StoredHarness", "StoredReader", "StoredSource", "stores"]
