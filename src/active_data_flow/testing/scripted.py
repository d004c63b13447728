"""A source that does what a script says: records, pauses, failures, and its end."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from active_data_flow.core.batch import Batch, Position, Reject
from active_data_flow.core.columns import data_of
from active_data_flow.core.errors import SourceError, SourceUnavailableError
from active_data_flow.core.policies import parse_seconds
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

Step = Mapping[str, Any] | str
"""A record, or what happens instead of one; see `ScriptedSource.script`."""

_PAUSE = "pause "
_WORDS = ("idle", "unavailable", "broken", "unreadable", "end")
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
        self._looks = 0

    def find(self) -> Iterable[Script]:
        found = [Script(name) for name in self._source.script if self._source.later.get(name, 0) <= self._looks]
        self._looks += 1
        return found

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
        while done < len(steps) and steps[done] != "end":
            step = steps[done]
            if isinstance(step, str):
                yield from self._act(split, step, done)
                done += 1
                continue
            rows = self._rows(steps, done)
            done += len(rows)
            yield _batch(split, rows, done)
        while self._source.endless and done == len(steps):
            yield IDLE
        yield _batch(split, [], done, finished=True)

    def _rows(self, steps: Sequence[Step], start: int) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        for step in steps[start : start + self._source.poll_rows]:
            if isinstance(step, str):
                break
            rows.append(step)
        return rows

    def _act(self, split: Script, step: str, index: int) -> Iterator[Batch | Signal]:
        if step == "broken":
            raise SourceError("the script says so", split=split.name, position=index)
        if step == "unavailable" and self._first_time(split, index):
            raise SourceUnavailableError("the script says so", split=split.name, position=index)
        if step == "unreadable":
            yield _batch(split, [], index + 1, rejects=(_unreadable(split, index),))
        if step.startswith(_PAUSE):
            clock = self._context.clock
            until = clock.monotonic() + parse_seconds(step.removeprefix(_PAUSE))
            while clock.monotonic() < until:
                yield IDLE
        yield IDLE

    def _first_time(self, split: Script, index: int) -> bool:
        with _lock:
            _met[self._source.key, split.name, index] += 1
            return _met[self._source.key, split.name, index] == 1


def _batch(
    split: Script,
    rows: list[Mapping[str, Any]],
    done: int,
    *,
    finished: bool = False,
    rejects: tuple[Reject, ...] = (),
) -> Batch:
    data = data_of(rows)
    read = len(rows) + len(rejects)
    return Batch(data, split.name, done, finished, rejects=rejects, records_read=read, bytes_read=data.nbytes)


def _unreadable(split: Script, index: int) -> Reject:
    return Reject("?", "the script says so", "RecordError", "read", split.name, index + 1)


class ScriptedSource(SplitSource):
    """Reads what a script says.

    Example:
        >>> source = ScriptedSource(script={"a": [{"n": 1}, "unavailable", {"n": 2}]})
        >>> [message["n"] for message in ScriptedSource(script={"a": [{"n": 1}]}).each()]
        [1]
    """

    script: dict[str, list[Any]]
    """Split name -> steps. A step is a record, or one of ``"idle"`` (nothing at this poll), ``"pause 5m"`` (nothing for
    five minutes of the run's clock), ``"unreadable"`` (a record that the source rejects), ``"unavailable"`` (fails the
    first time it is met), ``"broken"`` (fails always), ``"end"`` (the split ends here, of an endless source too)."""
    poll_rows: int = Field(default=2, ge=1)
    """Records a batch."""
    endless: bool = False
    """Wait for more at the end of each split."""
    later: dict[str, int] = Field(default_factory=dict[str, int])
    """Of an endless source: split name -> the look for new splits, counted from 0, that finds it first."""
    key: str = Field(default_factory=lambda: uuid.uuid4().hex)
    """Sources with the same key share what was unavailable already. Default: a key of its own."""

    @field_validator("script")
    @classmethod
    def _known(cls, script: dict[str, list[Any]]) -> dict[str, list[Any]]:
        for name, steps in script.items():
            for step in steps:
                if isinstance(step, str) and step not in _WORDS:
                    _check_pause(name, step)
                elif not isinstance(step, str | Mapping):
                    raise ValueError(f"split {name}: a step is a record or a word, not {step!r}")
        return script

    @model_validator(mode="after")
    def _finds_later(self) -> Self:
        if self.later and not self.endless:
            raise ValueError("later: only an endless source is looked at again")
        return self

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


def _check_pause(name: str, step: str) -> None:
    if not step.startswith(_PAUSE):
        words = ", ".join((*_WORDS, "pause 5m"))
        raise ValueError(f"split {name}: there is no step {step!r}; there are {words}")
    parse_seconds(step.removeprefix(_PAUSE))


__all__ = ["ScriptedSource"]
