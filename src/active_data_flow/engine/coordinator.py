"""Runs a flow: its pipelines, each in as many attempts as its retry policy allows."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from active_data_flow.core.batch import Reject
from active_data_flow.core.checkpoint import CheckpointStore, Counts
from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ActiveDataFlowError, ExecutionError
from active_data_flow.core.events import Checkpointed, Events, RecordRejected, Retrying, RunFinished, RunStarted
from active_data_flow.core.run import Budget, RunResult, RunStatus
from active_data_flow.engine.attempt import Attempt
from active_data_flow.engine.budget import BudgetMeter, Stop
from active_data_flow.engine.dead_letter import RejectPolicy
from active_data_flow.engine.pipeline import Pipeline, pipelines_of
from active_data_flow.engine.retry import Backoff


@dataclass(slots=True)
class Tally:
    """What a run has committed of one pipeline: the splits' totals now, less those when the run began."""

    before: Counts | None = None
    committed: Counts = field(default_factory=Counts)

    def restored(self, total: Counts) -> None:
        """An attempt begins; a commit whose answer was lost is found here."""
        if self.before is None:
            self.before = total
        self.committed = total - self.before


_STRENGTH = ("at-least-once", "effectively-once", "exactly-once")


def new_run_id(clock: Clock = CLOCK) -> str:
    """An id that sorts by time, as ``20260131T094500-3f9a1c``."""
    return f"{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


class Coordinator:
    """Runs all pipelines of a flow and sums up what they did.

    Args:
        flow: The flow.
        store: Where positions, and rejected records, are kept; the flow's lock is held by the caller.
        events: Told of what happens.
        stop: Ends the run at a checkpoint.
        run_id: Id of the run; default: a new one.
        pipelines: What to run; default: all the flow's pipelines.
        clock: The time as the run sees it: budget, backoff, checkpoints, idle pauses.
    """

    def __init__(
        self,
        flow: DataFlow,
        store: CheckpointStore,
        events: Events,
        stop: Stop,
        *,
        run_id: str | None = None,
        pipelines: list[Pipeline] | None = None,
        clock: Clock = CLOCK,
    ) -> None:
        self.pipelines = pipelines_of(flow) if pipelines is None else pipelines
        self.result = RunResult(flow.name, run_id or new_run_id(clock), guarantee=weakest(self.pipelines))
        self.result.target = "; ".join(dict.fromkeys(pipeline.sink.describe() for pipeline in self.pipelines))
        self._flow = flow
        self._store = store
        self._events = events
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._tallies = [Tally() for _ in self.pipelines]
        self._paused = False

    def forget(self) -> None:
        """Forget the positions of all pipelines, in the store and in the sinks that keep them."""
        for pipeline in self.pipelines:
            pipeline.sink.reset(pipeline.name)
            self._store.reset(pipeline.name)

    def run(self, budget: Budget) -> RunResult:
        """Run until all sources end, the budget is used up, or the run is to stop.

        Raises:
            ActiveDataFlowError: The run failed; its `result` says what had been committed.
        """
        meter = BudgetMeter(budget, self._clock)
        try:
            self._run_all(meter)
            self.result.status = self._status(meter)
        except ActiveDataFlowError as error:
            self.result.status = RunStatus.FAILED
            self.result.error = str(error)
            error.result = self.result
            raise
        finally:
            self.result.seconds = meter.seconds
            self._events.emit(
                RunFinished(flow=self._flow.name, run_id=self.result.run_id, result=self.result.to_json())
            )
        return self.result

    def _run_all(self, meter: BudgetMeter) -> None:
        if len(self.pipelines) > 1 and any(pipeline.endless for pipeline in self.pipelines):
            self._run_together(meter)
            return
        for pipeline, tally in zip(self.pipelines, self._tallies, strict=True):
            self._run_pipeline(pipeline, tally, meter)
            if self._stop.is_set or meter.used_up:
                break

    def _run_together(self, meter: BudgetMeter) -> None:
        errors: list[ActiveDataFlowError] = []

        def one(pipeline: Pipeline, tally: Tally) -> None:
            try:
                self._run_pipeline(pipeline, tally, meter)
            except ActiveDataFlowError as error:
                errors.append(error)
                self._stop.request()

        threads = [
            threading.Thread(target=one, args=pair, daemon=True)
            for pair in zip(self.pipelines, self._tallies, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _run_pipeline(self, pipeline: Pipeline, tally: Tally, meter: BudgetMeter) -> None:
        backoff = Backoff(self._flow.retry)
        rejects = RejectPolicy(self._flow.on_error, lambda reject: self._rejected(pipeline, reject))
        on_commit = self._on_commit(pipeline, tally, backoff)
        while True:
            try:
                epoch = self._store.begin(pipeline.name)
                attempt = Attempt(
                    pipeline,
                    self._store,
                    self._events,
                    self.result.run_id,
                    epoch,
                    meter,
                    rejects,
                    on_commit,
                    self._count,
                    self._clock,
                )
                attempt.run(lambda: self._stop.is_set, self._started(pipeline, tally, rejects, epoch))
            except ActiveDataFlowError as error:
                self._pause(pipeline, backoff, error.at(flow=pipeline.name))
                continue
            except Exception as error:
                message = f"{type(error).__name__}: {error}"
                raise ExecutionError(message, flow=pipeline.name) from error
            self._paused = self._paused or not attempt.exhausted
            return

    def _pause(self, pipeline: Pipeline, backoff: Backoff, error: ActiveDataFlowError) -> None:
        pause = backoff.pause_after(error)
        if pause is None or self._stop.is_set:
            raise error
        self.result.retries += 1
        self._events.emit(
            Retrying(
                flow=pipeline.name, run_id=self.result.run_id, attempt=backoff.attempt, pause=pause, error=str(error)
            )
        )
        if self._stop.wait(pause, self._clock):
            raise error

    def _status(self, meter: BudgetMeter) -> RunStatus:
        if self._stop.interrupted_by:
            self.result.interrupted_by = self._stop.interrupted_by
            return RunStatus.INTERRUPTED
        endless = all(pipeline.endless for pipeline in self.pipelines)
        caught_up = endless and meter.budget.until_caught_up and not meter.used_up
        return RunStatus.PAUSED if self._paused and not caught_up else RunStatus.SUCCESS

    def _started(
        self, pipeline: Pipeline, tally: Tally, rejects: RejectPolicy, epoch: int
    ) -> Callable[[Counts, int], None]:
        def started(total: Counts, resumed: int) -> None:
            with self._lock:
                tally.restored(total)
                self._sum_up()
            rejects.begin_attempt(tally.committed.records_rejected, tally.committed.records_read)
            self._events.emit(
                RunStarted(
                    flow=pipeline.name,
                    run_id=self.result.run_id,
                    epoch=epoch,
                    guarantee=pipeline.guarantee,
                    lanes=self._flow.parallelism,
                    resumed_splits=resumed,
                )
            )

        return started

    def _on_commit(self, pipeline: Pipeline, tally: Tally, backoff: Backoff) -> Callable[[Counts, float], None]:
        def on_commit(added: Counts, seconds: float) -> None:
            with self._lock:
                backoff.progressed()
                tally.committed += added
                self.result.checkpoints += 1
                self._sum_up()
            self._events.emit(
                Checkpointed(flow=pipeline.name, run_id=self.result.run_id, seconds=seconds, **asdict(added))
            )

        return on_commit

    def _sum_up(self) -> None:
        for name, value in asdict(sum((tally.committed for tally in self._tallies), Counts())).items():
            setattr(self.result, name, value)

    def _rejected(self, pipeline: Pipeline, reject: Reject) -> None:
        self._events.emit(RecordRejected(flow=pipeline.name, run_id=self.result.run_id, reject=reject))

    def _count(self, metric: str, value: float) -> None:
        with self._lock:
            self.result.metrics[metric] = self.result.metrics.get(metric, 0) + value


def weakest(pipelines: list[Pipeline]) -> str:
    """The guarantee that holds for all of them."""
    return min((pipeline.guarantee for pipeline in pipelines), key=_STRENGTH.index)


__all__ = ["Coordinator", "new_run_id", "weakest"]
