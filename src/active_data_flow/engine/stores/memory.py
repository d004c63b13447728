"""Checkpoints in memory: for tests, and for flows that need no memory of earlier runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager

from active_data_flow.core.checkpoint import Checkpoint, Committable, SplitState, StagedReject
from active_data_flow.core.errors import AlreadyRunningError, FencedError


class MemoryStore:
    """A checkpoint store that lives as long as the process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._running: set[str] = set()
        self._epochs: dict[str, int] = {}
        self._splits: dict[str, dict[str, SplitState]] = {}
        self._committables: dict[str, dict[int, list[Committable]]] = {}
        self._done: dict[str, dict[int, list[Committable]]] = {}
        self._staged: dict[str, list[StagedReject]] = {}
        self.rejected: dict[str, list[StagedReject]] = {}

    @contextmanager
    def acquire(self, flow: str, *, wait: float = 0.0) -> Generator[None]:
        """Take the flow's lock; see `CheckpointStore.acquire`."""
        end = time.monotonic() + wait
        while not self._take(flow):
            if time.monotonic() >= end:
                raise AlreadyRunningError(f"flow {flow} is running in this process already", flow=flow)
            time.sleep(0.01)
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(flow)

    def begin(self, flow: str, *, at_least: int = 0) -> int:
        """Start a new epoch."""
        with self._lock:
            self._epochs[flow] = max(self._epochs.get(flow, 0) + 1, at_least)
            return self._epochs[flow]

    def load(self, flow: str) -> Checkpoint | None:
        """The newest checkpoint."""
        with self._lock:
            if flow not in self._splits:
                return None
            pending, done = (
                [item for items in kept.get(flow, {}).values() for item in items]
                for kept in (self._committables, self._done)
            )
            return Checkpoint(self._epochs.get(flow, 0), dict(self._splits[flow]), pending, done=done)

    def save(self, flow: str, checkpoint: Checkpoint, rejects: Iterable[StagedReject] = ()) -> None:
        """Merge a checkpoint."""
        with self._lock:
            self._check(flow, checkpoint.epoch)
            self._splits.setdefault(flow, {}).update(checkpoint.splits)
            self._committables.setdefault(flow, {})[checkpoint.writer] = list(checkpoint.committables)
            self.rejected.setdefault(flow, []).extend(rejects)
            self.settle_rejects(flow, {name: state.sequence for name, state in checkpoint.splits.items()}, drop=False)

    def stage_rejects(self, flow: str, epoch: int, rejects: Iterable[StagedReject]) -> None:
        """Keep rejects until their splits are saved."""
        with self._lock:
            self._check(flow, epoch)
            self._staged.setdefault(flow, []).extend(rejects)

    def settle_rejects(self, flow: str, committed: Mapping[str, int], *, drop: bool = True) -> None:
        """Staged rejects of committed sequences count; with `drop` the others go."""
        with self._lock:
            staged = self._staged.pop(flow, [])
            counts = [item for item in staged if committed.get(item.reject.split_id, -1) >= item.sequence]
            self.rejected.setdefault(flow, []).extend(counts)
            if not drop:
                self._staged[flow] = [item for item in staged if item not in counts]

    def mark_committed(self, flow: str, epoch: int, writer: int | None = None) -> None:
        """The committables of a writer, or of all, have been carried out."""
        with self._lock:
            self._check(flow, epoch)
            kept = self._committables.get(flow, {})
            for number in [number for number in kept if writer in {None, number}]:
                self._done.setdefault(flow, {})[number] = kept.pop(number)

    def reset(self, flow: str) -> None:
        """Forget positions."""
        with self._lock:
            self._splits.pop(flow, None)
            self._committables.pop(flow, None)
            self._done.pop(flow, None)

    def close(self) -> None:
        """Nothing to release."""

    def _take(self, flow: str) -> bool:
        with self._lock:
            if flow in self._running:
                return False
            self._running.add(flow)
            return True

    def _check(self, flow: str, epoch: int) -> None:
        newest = self._epochs.get(flow, 0)
        if epoch < newest:
            raise FencedError(f"run {epoch} of {flow} has been replaced by run {newest}", flow=flow)


__all__ = ["MemoryStore"]
