"""Checkpoints and rejected records in the app's tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from active_data_flow.core.checkpoint import Checkpoint, StagedReject
from active_data_flow.core.errors import AlreadyRunningError, CheckpointError, FencedError, Then
from active_data_flow.engine.stores.records import RejectGroup, StoredReject
from active_data_flow.runtimes.heartbeat import rejects, splits
from active_data_flow.runtimes.heartbeat.database import DatabaseThread, database, flows
from active_data_flow.runtimes.heartbeat.models import Pipeline, RejectStatus, Trigger

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.models import DataFlowRun

P = ParamSpec("P")
R = TypeVar("R")
_SHARED = (
    "SQLite has one writer at a time: a sink other than active_record that writes into the same file "
    "holds it until it commits; give it, or the flows' own tables, a file of their own"
)


class DjangoStore:
    """A checkpoint store in the tables of the app; any thread may use it.

    An epoch is only given to the newest run of a flow: a worker that was frozen, and tries once more when it wakes,
    can't fence off the one that has replaced it.

    Args:
        thread: Where the database is spoken to.
        run: The run whose checkpoints these are; None: to look, or to `acquire` a flow.

    Raises:
        CheckpointError: From every method: the database can't be used. Where that may pass, the run tries again.
    """

    def __init__(self, thread: DatabaseThread, run: DataFlowRun | None = None) -> None:
        self._thread = thread
        self._fence = None if run is None else run.pk
        self._pipelines: dict[str, Pipeline] = {}

    @contextmanager
    def acquire(self, flow: str, *, wait: float = 0.0) -> Generator[None]:
        """Take a flow for a replay, which becomes a run of its own; see `CheckpointStore.acquire`."""
        from active_data_flow.runtimes.heartbeat.working import hold

        with hold(self._claim(flow, wait), self._thread) as run:
            self._fence = run.pk
            yield

    def begin(self, flow: str, *, at_least: int = 0) -> int:
        """Start a new epoch, higher than every one before and not below `at_least`.

        Raises:
            FencedError: A newer run of the flow has begun.
        """
        return self._call(self._begin, flow, at_least)

    def load(self, flow: str) -> Checkpoint | None:
        """The newest checkpoint."""
        return self._call(splits.load, flow)

    def save(self, flow: str, checkpoint: Checkpoint, rejects: Iterable[StagedReject] = ()) -> None:
        """Merge a checkpoint; staged rejects of its splits count from now on."""
        self._call(self._save, flow, checkpoint, list(rejects))

    def stage_rejects(self, flow: str, epoch: int, rejects: Iterable[StagedReject]) -> None:
        """Keep rejects until their splits are saved.

        Where the caller is within a transaction of this database, a writer's, they are part of it: another connection
        to SQLite would wait for its end, which comes only when this is done.
        """
        staged = list(rejects)
        if connections[database()].in_atomic_block:
            with self._errors():
                self._stage(flow, epoch, staged)
        else:
            self._call(self._stage, flow, epoch, staged)

    def settle_rejects(self, flow: str, committed: Mapping[str, int]) -> None:
        """After a crash: staged rejects of committed sequences count, the others go."""
        self._call(self._settle, flow, committed)

    def mark_committed(self, flow: str, epoch: int, writer: int | None = None) -> None:
        """The committables of a writer, or of all (None), have been carried out."""
        self._call(self._mark_committed, flow, epoch, writer)

    def reset(self, flow: str) -> None:
        """Forget positions; runs and rejects stay."""
        self._call(splits.reset, flow)

    def close(self) -> None:
        """Nothing to release: the thread is its owner's."""

    def rejects(
        self, flow: str, status: str = "open", *, ids: Sequence[int] | None = None, limit: int = 100, offset: int = 0
    ) -> list[StoredReject]:
        """Rejected records of a flow, and of its pipelines, oldest first."""
        return self._call(rejects.find, flow, status, ids=ids, limit=limit, offset=offset)

    def reject_groups(self, flow: str, status: str = "open") -> list[RejectGroup]:
        """Rejected records counted by kind of error, most first."""
        return self._call(rejects.groups, flow, status)

    def mark_rejects(self, flow: str, status: str, ids: Sequence[int] | None = None) -> int:
        """Give open rejects another status; None: all. Returns how many."""
        return self._call(rejects.mark, flow, status, ids)

    def discard(self, flow: str, ids: Sequence[int] | None = None) -> int:
        """Mark open rejects as discarded; None: all. Returns how many."""
        return self.mark_rejects(flow, RejectStatus.DISCARDED.value, ids)

    # in the thread of the database

    def _begin(self, flow: str, at_least: int) -> int:
        pipeline = self._pipeline(flow)
        mine = Pipeline.objects.using(database()).filter(pk=pipeline.pk)
        fenced: dict[str, Any] = {}
        if self._fence is not None:
            mine, fenced = mine.filter(fence__lte=self._fence), {"fence": self._fence}
        if not mine.update(epoch=Greatest(F("epoch") + 1, Value(at_least)), **fenced):
            raise FencedError(f"a newer run of {flow} has begun; this one must not go on", flow=flow)
        pipeline.refresh_from_db(using=database(), fields=["epoch"])
        return pipeline.epoch

    def _save(self, flow: str, checkpoint: Checkpoint, staged: Sequence[StagedReject]) -> None:
        pipeline = self._locked(flow, checkpoint.epoch)
        splits.save(pipeline, checkpoint)
        rejects.insert(pipeline, staged, RejectStatus.OPEN)
        rejects.settle(pipeline, {name: state.sequence for name, state in checkpoint.splits.items()})

    def _stage(self, flow: str, epoch: int, staged: Sequence[StagedReject]) -> None:
        rejects.insert(self._locked(flow, epoch), staged, RejectStatus.STAGED)

    def _settle(self, flow: str, committed: Mapping[str, int]) -> None:
        pipeline = self._pipeline(flow)
        rejects.settle(pipeline, committed)
        rejects.drop_staged(pipeline)

    def _mark_committed(self, flow: str, epoch: int, writer: int | None) -> None:
        splits.mark_committed(self._locked(flow, epoch), writer)

    def _pipeline(self, flow: str) -> Pipeline:
        if flow not in self._pipelines:
            known = Pipeline.objects.using(database())
            self._pipelines[flow] = known.get_or_create(name=flow, defaults={"flow_name": flow.partition("/")[0]})[0]
        return self._pipelines[flow]

    def _locked(self, flow: str, epoch: int) -> Pipeline:
        """The pipeline, its row locked until the end of the transaction, so that no newer run can begin meanwhile."""
        pipeline = self._pipeline(flow)
        rows = Pipeline.objects.using(database()).filter(pk=pipeline.pk)
        if not rows.filter(epoch__lte=epoch).update(epoch=F("epoch")):
            newest = rows.values_list("epoch", flat=True).first()
            raise FencedError(f"run {epoch} of {flow} has been replaced by run {newest}", flow=flow)
        return pipeline

    def _claim(self, flow: str, wait: float) -> DataFlowRun:
        from active_data_flow.runtimes.heartbeat.claiming import claim

        end = time.monotonic() + wait
        while True:
            record = self._call(flows().filter(name=flow).first)
            if record is None:
                raise CheckpointError(f"there is no record of a flow {flow}", flow=flow)
            try:
                return self._call(claim, record, Trigger.REPLAY.value, None)
            except AlreadyRunningError:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.1)

    def _call(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        def in_transaction() -> R:
            with transaction.atomic(using=database()):
                return function(*args, **named)

        with self._errors():
            return self._thread.call(in_transaction)

    @contextmanager
    def _errors(self) -> Generator[None]:
        try:
            yield
        except (DatabaseError, InterfaceError) as error:
            self._pipelines.clear()  # what was just made may have been rolled back
            passing = isinstance(error, OperationalError | InterfaceError)
            message = f"the checkpoint tables in database {database()!r} can't be used: {error}".strip()
            if "database is locked" in message:
                message += f"; {_SHARED}"
            raise CheckpointError(message, then=Then.RETRY if passing else None) from error


__all__ = ["DjangoStore"]
