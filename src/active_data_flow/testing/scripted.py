"""A source that does what a script says: batches, pauses, failures."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.errors import SourceError, SourceUnavailableError
from active_data_flow.source_support import (
    IDLE,
    Boundedness,
    EnumeratorContext,
    PendingSplits,
    ReaderContext,
    Signal,
    SplitReader,
    SplitSerializer,
    SplitSource,
)

Step = Mapping[str, Any] | Literal["idle", "unavailable", "broken"]
"""A record, a pause, a failure that passes when it is met again, or one that stays."""

_lock = threading.Lock()
_met: Counter[tuple[str, str, int]] = Counter()


@dataclass(frozen=True, slots=True)
class Script:
    """A split: the name of its part of the script."""

    name: str

    @property
    def split_id(self) -> str:
        """The name."""
        return self.name


class _Enumerator(PendingSplits[Script]):
    def __init__(self, context: EnumeratorContext[Script], source: ScriptedSource) -> None:
        super().__init__(context)
        self._source = source

    def find(self) -> Iterable[Script]:
        return [Script(name) for name in self._source.script]

    @property
    def endless(self) -> bool:
        return self._source.endless


class _Reader(SplitReader[Script]):
    def __init__(self, context: ReaderContext, source: ScriptedSource) -> None:
        super().__init__(context)
        self._source = source

    def read(self, split: Script, position: Position) -> Iterator[Batch | Signal]:
        steps = self._source.script[split.name]
        done: int = position or 0
        while done < len(steps):
            step = steps[done]
            if isinstance(step, str):
                yield from self._act(split, step, done)
                done += 1
                continue
            rows = self._rows(steps, done)
            done += len(rows)
            yield self._batch(split, rows, done)
        while self._source.endless:
            yield IDLE
        yield self._batch(split, [], done, finished=True)

    def _rows(self, steps: Sequence[Step], start: int) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        for step in steps[start : start + self._source.poll_rows]:
            if isinstance(step, str):
                break
            rows.append(step)
        return rows

    def _act(self, split: Script, step: str, index: int) -> Iterator[Signal]:
        if step == "broken":
            raise SourceError("the script says so", split=split.name, position=index)
        if step == "unavailable":
            with _lock:
                _met[self._source.key, split.name, index] += 1
                first = _met[self._source.key, split.name, index] == 1
            if first:
                raise SourceUnavailableError("the script says so", split=split.name, position=index)
        yield IDLE

    def _batch(self, split: Script, rows: list[Mapping[str, Any]], done: int, *, finished: bool = False) -> Batch:
        data = pa.RecordBatch.from_pylist([dict(row) for row in rows])
        return Batch(data, split.name, done, finished, records_read=len(rows), bytes_read=data.nbytes)


class ScriptedSource(SplitSource):
    """Reads what a script says.

    Example:
        >>> source = ScriptedSource(script={"a": [{"n": 1}, "unavailable", {"n": 2}]})
        >>> [message["n"] for message in ScriptedSource(script={"a": [{"n": 1}]}).each()]
        [1]
    """

    script: dict[str, list[Any]]
    """Split name -> steps: records, ``"idle"``, ``"unavailable"`` (fails the first time it is met) or ``"broken"``."""
    poll_rows: int = 2
    """Records a batch."""
    endless: bool = False
    """Wait for more at the end of each split."""
    key: str = "script"
    """Tells the failures of one script from another's."""

    @property
    def boundedness(self) -> Boundedness:
        """As the script says."""
        return Boundedness.ENDLESS if self.endless else Boundedness.BOUNDED

    def create_enumerator(self, context: EnumeratorContext[Any]) -> _Enumerator:
        """Gives the script's splits."""
        return _Enumerator(context, self)

    def create_reader(self, context: ReaderContext) -> _Reader:
        """Does what the script says."""
        return _Reader(context, self)

    def split_serializer(self) -> SplitSerializer[Any]:
        """The name."""
        return SplitSerializer(lambda split: {"name": split.name}, lambda value: Script(value["name"]))


__all__ = ["ScriptedSource"]
