"""How data and positions are made to agree, one way for each kind of sink."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from active_data_flow.core.checkpoint import Checkpoint, CheckpointStore, StagedReject
from active_data_flow.core.errors import SinkError
from active_data_flow.core.sink import (
    Committer,
    Delivery,
    Sink,
    TransactionalWriter,
    TwoPhaseWriter,
    Writer,
    WriterContext,
)
from active_data_flow.engine.crash_points import crash_point


class Commit(ABC):
    """Opens writers of one sink and commits what they wrote together with the positions.

    Args:
        sink: The sink.
        store: Where positions are kept, or copied to.
        flow: Name of the pipeline.
    """

    def __init__(self, sink: Sink, store: CheckpointStore, flow: str) -> None:
        self.sink = sink
        self.store = store
        self.flow = flow

    def restore(self, writer: Writer, epoch: int) -> Checkpoint:
        """Positions to go on from, and the epoch of this run; cleans up what a killed run has left."""
        stored = self.store.load(self.flow)
        return Checkpoint(epoch, {} if stored is None else stored.splits)

    @abstractmethod
    def commit(self, writer: Writer, checkpoint: Checkpoint, rejects: Sequence[StagedReject]) -> None:
        """Make data, positions and rejects durable. The writer has been flushed."""

    def close(self) -> None:
        """Release everything."""


class WriteThenSave(Commit):
    """Idempotent and at-least-once sinks: the data is there, then the positions are saved."""

    def commit(self, writer: Writer, checkpoint: Checkpoint, rejects: Sequence[StagedReject]) -> None:
        """Save the positions."""
        crash_point("before-save")
        self.store.save(self.flow, checkpoint, rejects)
        crash_point("after-save")


class OneTransaction(Commit):
    """Transactional sinks: the sink commits both, the store keeps a copy."""

    def restore(self, writer: Writer, epoch: int) -> Checkpoint:
        """The sink's positions win over the store's."""
        if not isinstance(writer, TransactionalWriter):
            raise _wrong_writer(self.sink, writer, "TransactionalWriter")
        restored = writer.restore()
        if restored is None:
            restored = Checkpoint(epoch)
        if restored.epoch > epoch:
            self.store.begin(self.flow, at_least=restored.epoch)
        self.store.settle_rejects(self.flow, {name: state.sequence for name, state in restored.splits.items()})
        return restored

    def commit(self, writer: Writer, checkpoint: Checkpoint, rejects: Sequence[StagedReject]) -> None:
        """Stage rejects, let the sink commit, keep a copy."""
        assert isinstance(writer, TransactionalWriter)
        if rejects:
            with writer.transaction():
                self.store.stage_rejects(self.flow, checkpoint.epoch, rejects)
        crash_point("before-commit")
        writer.commit(checkpoint)
        crash_point("after-commit")
        self.store.save(self.flow, checkpoint)
        crash_point("after-save")


class TwoPhase(Commit):
    """Two-phase sinks: prepare, save the decision, carry it out, mark it."""

    def __init__(self, sink: Sink, store: CheckpointStore, flow: str) -> None:
        super().__init__(sink, store, flow)
        self._committer: Committer = sink.committer(WriterContext(flow))

    def restore(self, writer: Writer, epoch: int) -> Checkpoint:
        """Carry out a decision that a killed run has saved, then let the writer clean up."""
        if not isinstance(writer, TwoPhaseWriter):
            raise _wrong_writer(self.sink, writer, "TwoPhaseWriter")
        stored = self.store.load(self.flow)
        if stored is not None and stored.committables:
            self._committer.commit(stored.committables)
            self.store.mark_committed(self.flow, epoch)
        writer.restore(stored)
        return super().restore(writer, epoch)

    def commit(self, writer: Writer, checkpoint: Checkpoint, rejects: Sequence[StagedReject]) -> None:
        """Prepare, save, commit, mark."""
        assert isinstance(writer, TwoPhaseWriter)
        crash_point("before-prepare")
        committables = writer.prepare()
        crash_point("after-prepare")
        decided = Checkpoint(checkpoint.epoch, checkpoint.splits, committables, checkpoint.writer)
        self.store.save(self.flow, decided, rejects)
        crash_point("after-save")
        self._committer.commit(committables)
        crash_point("after-commit")
        self.store.mark_committed(self.flow, checkpoint.epoch, checkpoint.writer)
        crash_point("after-mark")

    def close(self) -> None:
        """Close the committer."""
        self._committer.close()


def commit_for(sink: Sink, store: CheckpointStore, flow: str) -> Commit:
    """The way that fits the sink's delivery."""
    ways: dict[Delivery, type[Commit]] = {
        Delivery.TRANSACTIONAL: OneTransaction,
        Delivery.TWO_PHASE: TwoPhase,
        Delivery.IDEMPOTENT: WriteThenSave,
        Delivery.AT_LEAST_ONCE: WriteThenSave,
    }
    return ways[sink.delivery_here[0]](sink, store, flow)


def _wrong_writer(sink: Sink, writer: Writer, wanted: str) -> SinkError:
    message = f"{sink.name_in_errors} promises {sink.delivery_here[0].value} delivery but opens {type(writer).__name__}"
    return SinkError(f"{message}, which is no {wanted}", connector=sink.name_in_errors)


__all__ = ["Commit", "commit_for"]
