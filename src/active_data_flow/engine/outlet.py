"""A writer and what has been written to it since the last commit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint, Counts, SplitState, StagedReject
from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.errors import ActiveDataFlowError, SinkError
from active_data_flow.core.policies import CheckpointPolicy
from active_data_flow.core.sink import Writer
from active_data_flow.engine.commit import Commit
from active_data_flow.engine.crash_points import crash_point
from active_data_flow.engine.dead_letter import RejectPolicy
from active_data_flow.engine.memory import FREED_MEMORY

_MAX_STAGED_REJECTS = 1000
T = TypeVar("T")


@dataclass(slots=True)
class _Move:
    """How far a split has come since the last commit."""

    position: Any = None
    finished: bool = False
    counts: Counts = field(default_factory=Counts)


@dataclass(slots=True)
class _Pending:
    """What was written since the last commit; `inside` are the splits that could not be resumed where they are."""

    moves: dict[str, _Move] = field(default_factory=dict[str, _Move])
    rejects: list[Reject] = field(default_factory=list[Reject])
    bytes: int = 0
    inside: set[str] = field(default_factory=set[str])


class Progress:
    """States of all splits of a pipeline; shared by its outlets.

    Args:
        on_commit: Told of each commit: what it added, and how many seconds it took.
    """

    def __init__(self, on_commit: Callable[[Counts, float], None]) -> None:
        self.splits: dict[str, SplitState] = {}
        self._lock = threading.Lock()
        self._on_commit = on_commit

    @property
    def total(self) -> Counts:
        """What has been committed of all splits since their beginning."""
        return sum((state.counts for state in self.splits.values()), Counts())

    def done(self, splits: Mapping[str, SplitState], added: Counts, seconds: float) -> None:
        """A commit came to be."""
        with self._lock:
            self.splits.update(splits)
        self._on_commit(added, seconds)
        FREED_MEMORY.give_back()


class Outlet:
    """Writes batches and commits them; lanes that must share a writer share an outlet.

    Args:
        number: Number of the writer among the run's.
        commit: How this sink commits.
        policy: When to commit; None: only at the end.
        rejects: The flow's error policy at work.
        progress: Where commits are counted.
        stamp: Puts the run's id and the flow's version on a staged reject.
        open_writer: Opens the writer when it is first needed.
        clock: Tells when it is time to commit.
    """

    def __init__(
        self,
        number: int,
        commit: Commit,
        policy: CheckpointPolicy | None,
        rejects: RejectPolicy,
        progress: Progress,
        stamp: Callable[[Reject, int], StagedReject],
        open_writer: Callable[[Outlet], Writer],
        *,
        clock: Clock = CLOCK,
    ) -> None:
        self._commit = commit
        self._policy = policy
        self._rejects = rejects
        self._progress = progress
        self._stamp = stamp
        self._clock = clock
        self._lock = threading.RLock()
        self._pending = _Pending()
        self._last = clock.monotonic()
        self._open_writer = open_writer
        self._writer: Writer | None = None
        self.epoch = 0
        self.number = number
        self.users = 0
        self.extra: Callable[[], Mapping[str, SplitState]] = dict

    def open(self) -> Writer:
        """The writer, opened when it is first asked for."""
        if self._writer is None:
            self._writer = self._guard(lambda: self._open_writer(self))
        return self._writer

    def release(self) -> bool:
        """A lane has come to its end; the last one commits. Returns whether it did."""
        with self._lock:
            self.users -= 1
            if self.users:
                return False
            self.checkpoint()
            return True

    def reject(self, reject: Reject) -> None:
        """The writer's way to set a record aside that it had been given."""
        self._rejects.accept(reject)
        self._pending.rejects.append(reject)
        self._pending.moves[reject.split_id].counts += Counts(records_written=-1, records_rejected=1)

    def write(self, batch: Batch) -> bool:
        """Write a batch; commits when it is time. Returns whether it committed."""
        with self._lock:
            self._rejects.read(batch.records_read)
            for reject in batch.rejects:
                self._rejects.accept(reject)
            self._rejects.check_share()
            self._note(batch)
            if batch.num_rows:
                self._guard(lambda: self.open().write(batch))
            crash_point("after-write")
            return self.tick()

    def tick(self) -> bool:
        """Commit if it is time; called also while nothing arrives. Returns whether it did."""
        with self._lock:
            if not self._due():
                return False
            self.checkpoint()
            return True

    def checkpoint(self) -> None:
        """Commit everything written so far together with the positions; nothing where nothing moved.

        Splits that can't be resumed inside hold the commit back until they are read to their end.
        """
        with self._lock:
            if not self._pending.moves or self._pending.inside:
                return
            started = self._clock.monotonic()
            self._guard(lambda: self.open().flush())
            pending = self._pending
            splits = {name: self._state(name, move) for name, move in pending.moves.items()}
            staged = [self._stamp(reject, splits[reject.split_id].sequence) for reject in pending.rejects]
            checkpoint = Checkpoint(self.epoch, {**splits, **self.extra()}, writer=self.number)
            self._guard(lambda: self._commit.commit(self.open(), checkpoint, staged))
            self._pending = _Pending()
            self._last = self._clock.monotonic()
            added = sum((move.counts for move in pending.moves.values()), Counts())
            self._progress.done(splits, added, self._last - started)

    def close(self) -> None:
        """Close the writer; what was not committed is rolled back."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _due(self) -> bool:
        pending = self._pending
        if self._policy is None or not pending.moves or pending.inside:
            return False
        return (
            pending.bytes >= self._policy.bytes
            or len(pending.rejects) >= _MAX_STAGED_REJECTS
            or self._clock.monotonic() - self._last >= self._policy.every
        )

    def _note(self, batch: Batch) -> None:
        pending = self._pending
        pending.rejects.extend(batch.rejects)
        pending.bytes += batch.nbytes
        move = pending.moves.setdefault(batch.split_id, _Move())
        move.position, move.finished = batch.position, batch.finished
        resumable = batch.finished or batch.position is not None
        (pending.inside.discard if resumable else pending.inside.add)(batch.split_id)
        move.counts += Counts(batch.records_read, batch.num_rows, len(batch.rejects), batch.bytes_read)

    def _state(self, name: str, move: _Move) -> SplitState:
        state = self._progress.splits[name]
        return SplitState(state.split, move.position, move.finished, state.sequence + 1, state.counts + move.counts)

    def _guard(self, action: Callable[[], T]) -> T:
        name = self._commit.sink.name_in_errors
        try:
            return action()
        except ActiveDataFlowError as error:
            raise error.at(connector=name) from error.__cause__
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            raise SinkError(message, connector=name) from error


__all__ = ["Outlet", "Progress"]
