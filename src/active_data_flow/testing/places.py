"""Sinks in memory, one for each way in which data and positions can be made to agree."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint, Committable, SplitState
from active_data_flow.core.errors import FencedError, SinkUnavailableError
from active_data_flow.core.sink import (
    Committer,
    Delivery,
    Sink,
    TransactionalWriter,
    TwoPhaseWriter,
    Writer,
    WriterContext,
)


@dataclass(slots=True)
class Place:
    """What a sink in memory has been given, and what it is to fail at.

    Attributes:
        rows: Committed rows, in the order of their commits.
        splits: Positions, by flow.
        epochs: Epochs, by flow.
        prepared: Rows prepared and not yet committed, by committable id.
        done: Ids of committables carried out.
        fail_commits: So many of the next commits fail, as a database does that is away.
    """

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    splits: dict[str, dict[str, SplitState]] = field(default_factory=dict[str, dict[str, SplitState]])
    epochs: dict[str, int] = field(default_factory=dict[str, int])
    prepared: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    done: set[str] = field(default_factory=set[str])
    fail_commits: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def maybe_fail(self) -> None:
        """Fail if it is time to."""
        with self.lock:
            if self.fail_commits:
                self.fail_commits -= 1
                raise SinkUnavailableError("the place is away")


_places: dict[str, Place] = {}


def place(name: str) -> Place:
    """The place of a name; made when it is first asked for."""
    return _places.setdefault(name, Place())


class _Buffer(Writer):
    def __init__(self, where: Place) -> None:
        self.where = where
        self.rows: list[dict[str, Any]] = []

    def write(self, batch: Batch) -> None:
        self.rows.extend(batch.data.to_pylist())

    def close(self) -> None:
        self.rows = []


class MemorySink(Sink):
    """Writes at once: at-least-once."""

    place: str = "memory"
    """Name of the place."""

    def write(self, message: Mapping[str, Any]) -> None:
        """Keep a message."""
        place(self.place).rows.append(dict(message))

    def flush(self) -> None:
        """Fail if the place is to fail."""
        place(self.place).maybe_fail()


class _Transaction(_Buffer, TransactionalWriter):
    def __init__(self, where: Place, context: WriterContext) -> None:
        super().__init__(where)
        self._context = context
        self._epoch = context.epoch

    def restore(self) -> Checkpoint | None:
        flow = self._context.flow
        with self.where.lock:
            self._epoch = max(self.where.epochs.get(flow, 0) + 1, self._context.epoch)
            self.where.epochs[flow] = self._epoch
            return Checkpoint(self._epoch, dict(self.where.splits.get(flow, {})))

    def commit(self, checkpoint: Checkpoint) -> None:
        flow = self._context.flow
        with self.where.lock:
            self.where.maybe_fail()
            if checkpoint.epoch < self.where.epochs.get(flow, 0):
                raise FencedError("a newer run has taken over")
            self.where.rows.extend(self.rows)
            self.where.splits.setdefault(flow, {}).update(checkpoint.splits)
            self.rows = []


class TransactionalMemorySink(Sink):
    """Rows and positions in one step."""

    delivery: ClassVar[Delivery] = Delivery.TRANSACTIONAL
    place: str = "memory"
    """Name of the place."""

    def open(self, context: WriterContext) -> Writer:
        """A writer that buffers till it commits."""
        return _Transaction(place(self.place), context)

    def reset(self, flow: str) -> None:
        """Forget positions."""
        place(self.place).splits.pop(flow, None)

    def positions(self, flow: str) -> Checkpoint | None:
        """The positions the place keeps."""
        where = place(self.place)
        return Checkpoint(where.epochs.get(flow, 0), where.splits[flow]) if flow in where.splits else None


class _Preparing(_Buffer, TwoPhaseWriter):
    def __init__(self, where: Place, context: WriterContext) -> None:
        super().__init__(where)
        self._flow = f"{context.flow}@"
        self._name = f"{self._flow}{context.epoch}-{context.writer}-{secrets.token_hex(4)}"
        self._count = 0

    def restore(self, checkpoint: Checkpoint | None) -> None:
        with self.where.lock:
            for name in [name for name in self.where.prepared if name.startswith(self._flow)]:
                del self.where.prepared[name]

    def prepare(self) -> list[Committable]:
        self._count += 1
        name = f"{self._name}-{self._count}"
        with self.where.lock:
            self.where.prepared[name] = self.rows
        self.rows = []
        return [{"id": name}]


class _MemoryCommitter(Committer):
    def __init__(self, where: Place) -> None:
        self._where = where

    def commit(self, committables: Sequence[Committable]) -> None:
        with self._where.lock:
            self._where.maybe_fail()
            for item in committables:
                if item["id"] not in self._where.done:
                    self._where.rows.extend(self._where.prepared.pop(item["id"]))
                    self._where.done.add(item["id"])


class TwoPhaseMemorySink(Sink):
    """Prepares rows; a committer makes them visible."""

    delivery: ClassVar[Delivery] = Delivery.TWO_PHASE
    place: str = "memory"
    """Name of the place."""

    def open(self, context: WriterContext) -> Writer:
        """A writer that prepares."""
        return _Preparing(place(self.place), context)

    def committer(self, context: WriterContext) -> Committer:
        """The committer."""
        return _MemoryCommitter(place(self.place))


__all__ = ["MemorySink", "Place", "TransactionalMemorySink", "TwoPhaseMemorySink", "place"]
