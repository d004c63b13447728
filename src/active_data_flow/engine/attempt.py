"""One attempt to run a pipeline: open everything, restore, run the lanes, commit, close."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import CheckpointStore, Counts, SplitState, StagedReject
from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.errors import ActiveDataFlowError, ExecutionError
from active_data_flow.core.events import BatchWritten, Events, SplitAssigned, SplitFinished
from active_data_flow.core.sink import Writer, WriterContext
from active_data_flow.engine.budget import BudgetMeter, Stop
from active_data_flow.engine.chain import number_of_steps
from active_data_flow.engine.commit import Commit, commit_for
from active_data_flow.engine.crash_points import crash_point
from active_data_flow.engine.dead_letter import RejectPolicy
from active_data_flow.engine.discovery import Discovery
from active_data_flow.engine.lane import Lane, LaneContext
from active_data_flow.engine.outlet import Outlet, Progress
from active_data_flow.engine.pipeline import Pipeline
from active_data_flow.engine.processes import InProcesses, WorkerPool
from active_data_flow.engine.read_ahead import ReadAhead
from active_data_flow.engine.stage import InThread, Stage
from active_data_flow.source_support import AssignedSplit, SplitEnumerator

ENUMERATOR = "@enumerator"
"""Key under which an enumerator's own snapshot is kept among the splits."""

_BYTES_IN_FLIGHT = 16 * 2**20
_POLL = 0.05


class Attempt:
    """Runs a pipeline once; a failed attempt leaves nothing but its commits.

    Args:
        pipeline: What to run.
        store: Where positions are kept.
        events: Told of what happens.
        run_id: Id of the run.
        epoch: The run's number, as the store gave it.
        meter: The run's budget.
        rejects: The run's error policy at work.
        on_commit: Told of each commit.
        count: Adds to a metric of the run.
        clock: The time as the run sees it.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        store: CheckpointStore,
        events: Events,
        run_id: str,
        epoch: int,
        meter: BudgetMeter,
        rejects: RejectPolicy,
        on_commit: Callable[[Counts, float], None],
        count: Callable[[str, float], None],
        clock: Clock = CLOCK,
    ) -> None:
        self.pipeline = pipeline
        self.flow = pipeline.flow
        self.run_id = run_id
        self.epoch = epoch
        self.stop = Stop()
        self.exhausted = False
        self._events = events
        self._meter = meter
        self._rejects = rejects
        self._count = count
        self._clock = clock
        self._commit: Commit = commit_for(pipeline.sink, store, pipeline.name)
        self._progress = Progress(on_commit)
        self._serializer = pipeline.source.split_serializer()
        self._lock = threading.RLock()
        self._outlets = [self._outlet(number) for number in range(self._writers())]
        self._lanes: list[Lane] = []
        self._enumerator: SplitEnumerator[Any] | None = None
        self._error: ActiveDataFlowError | None = None

    def run(self, wanted_to_stop: Callable[[], bool], started: Callable[[Counts, int], None]) -> None:
        """Run until the source ends, or it is wanted to stop, or something fails.

        Args:
            wanted_to_stop: Asked often; true means: stop at a checkpoint.
            started: Called when everything is open: what was committed before, and the number of begun splits.
        """
        with ExitStack() as stack:
            stack.callback(self._commit.close)
            for outlet in self._outlets:
                stack.callback(outlet.close)
            self._restore()
            self._open_lanes(stack)
            started(self._progress.total, self._unfinished())
            self._run_lanes(wanted_to_stop)
            if self._error is not None:
                raise self._error
            self.exhausted = not self.stop.is_set
            if self.exhausted:
                crash_point("before-finish")
                self.pipeline.sink.finish(self._writer_context(self._outlets[0]))
                crash_point("after-finish")

    # what the enumerator sees

    @property
    def restored(self) -> Mapping[str, SplitState]:
        """Committed states of all splits."""
        return self._progress.splits

    def current_parallelism(self) -> int:
        """Number of lanes."""
        return self.flow.parallelism

    def assign_split(self, split: Any, reader: int) -> None:
        """Give a split to a lane, with the position it was committed at."""
        name, form = split.split_id, self._serializer.to_json(split)
        state = replace(self._progress.splits.get(name, SplitState(form)), split=form)
        self._progress.splits[name] = state
        self._events.emit(
            SplitAssigned(flow=self.pipeline.name, run_id=self.run_id, split=name, lane=reader, position=state.position)
        )
        self._lanes[reader].inlet.reader.add_splits([AssignedSplit(split, state.position)])

    def signal_no_more_splits(self, reader: int) -> None:
        """Tell a lane that nothing will be assigned any more."""
        self._lanes[reader].inlet.reader.no_more_splits()

    # opening

    def _writers(self) -> int:
        return min(self.flow.parallelism, self.pipeline.sink.max_writers or self.flow.parallelism)

    def _outlet(self, number: int) -> Outlet:
        policy = None if self.pipeline.sink.commits_only_at_end else self.flow.checkpoint
        outlet = Outlet(
            number,
            self._commit,
            policy,
            self._rejects,
            self._progress,
            self._stamp,
            self._open_writer,
            clock=self._clock,
        )
        outlet.extra = self._enumerator_state
        return outlet

    def _open_writer(self, outlet: Outlet) -> Writer:
        return self.pipeline.sink.open(self._writer_context(outlet))

    def _writer_context(self, outlet: Outlet) -> WriterContext:
        return WriterContext(self.pipeline.name, self.epoch, outlet.number, self.flow.contract, outlet.reject)

    def _restore(self) -> None:
        first = self._outlets[0]
        crash_point("before-restore")
        restored = self._commit.restore(first.open(), self.epoch)
        crash_point("after-restore")
        self.epoch = restored.epoch
        for outlet in self._outlets:
            outlet.epoch = restored.epoch
        self._progress.splits.update(restored.splits)

    def _unfinished(self) -> int:
        return sum(not state.finished and state.position is not None for state in self._progress.splits.values())

    def _open_lanes(self, stack: ExitStack) -> None:
        pool: WorkerPool | None = None
        if self.flow.lanes == "processes":
            pool = WorkerPool(self.flow, self.flow.parallelism)
            stack.callback(pool.close)
        self._enumerator = self.pipeline.source.create_enumerator(self)
        stack.callback(self._enumerator.close)
        for number in range(self.flow.parallelism):
            lane = self._lane(number, pool)
            stack.callback(lane.close)
            self._lanes.append(lane)
        stack.callback(self.stop.request)
        with self._lock:
            self._enumerator.start()
            for lane in self._lanes:
                self._enumerator.add_reader(lane.number)

    def _lane(self, number: int, pool: WorkerPool | None) -> Lane:
        context = LaneContext(number, self._request, self._count, {}, self._clock)
        reader = self.pipeline.source.create_reader(context)
        limit = max(_BYTES_IN_FLIGHT // self.flow.parallelism, 2**21)
        inlet = ReadAhead(reader, limit, self.stop, f"adf-read-{number}", self._clock)
        stage: Stage = InThread(self.flow, number) if pool is None else InProcesses(self.flow, number, pool)
        outlet = self._outlets[number % len(self._outlets)]
        outlet.users += 1
        return Lane(number, inlet, stage, outlet, self._meter, self.stop, self._on_batch)

    # running

    def _run_lanes(self, wanted_to_stop: Callable[[], bool]) -> None:
        threads = [
            threading.Thread(target=self._run_lane, args=(lane,), name=f"adf-lane-{lane.number}", daemon=True)
            for lane in self._lanes
        ]
        for thread in threads:
            thread.start()
        try:
            self._supervise(threads, wanted_to_stop)
        except Exception as error:  # noqa: BLE001  # it fails the attempt like any lane's error
            self._fail(error)
        for thread in threads:
            thread.join()

    def _run_lane(self, lane: Lane) -> None:
        try:
            lane.run()
            if not self.stop.aborted and lane.outlet.release():
                lane.stage.committed()
        except Exception as error:  # noqa: BLE001  # whatever it is, it fails the attempt
            self._fail(error)

    def _supervise(self, threads: list[threading.Thread], wanted_to_stop: Callable[[], bool]) -> None:
        discovery = Discovery(self._discover, self.pipeline.source.discover_interval, self._clock)
        idle_looks = 0
        while any(thread.is_alive() for thread in threads):
            threads[0].join(_POLL) if threads[0].is_alive() else time.sleep(_POLL / 5)
            if wanted_to_stop() or self._meter.used_up:
                self.stop.request()
            if not self.pipeline.endless or self.stop.is_set:
                continue
            idle = all(lane.inlet.idle for lane in self._lanes)
            if not idle:
                idle_looks = 0
            if discovery.look_if_due(_POLL if idle and self._catching_up else None):
                idle_looks += idle
            if idle_looks > 1 and self._catching_up:
                self.stop.request()

    @property
    def _catching_up(self) -> bool:
        return self._meter.budget.until_caught_up

    def _discover(self) -> None:
        assert self._enumerator is not None
        with self._lock:
            for lane in self._lanes:
                lane.inlet.idle = False
            self._enumerator.discover()

    def _request(self, reader: int) -> None:
        assert self._enumerator is not None
        with self._lock:
            self._enumerator.handle_split_request(reader)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, ActiveDataFlowError):
            wrapped = ExecutionError(f"{type(error).__name__}: {error}")
            wrapped.__cause__ = error
            error = wrapped
        with self._lock:
            self._error = self._error or error.at(flow=self.pipeline.name)
        self.stop.abort()

    # telling

    def _enumerator_state(self) -> Mapping[str, SplitState]:
        with self._lock:
            snapshot = None if self._enumerator is None else self._enumerator.snapshot()
        return {} if snapshot is None else {ENUMERATOR: SplitState(None, snapshot)}

    def _stamp(self, reject: Reject, sequence: int) -> StagedReject:
        if reject.stage == "write":
            reject = replace(reject, passed=number_of_steps(self.flow))
        return StagedReject(reject, sequence, self.run_id, self.flow.version)

    def _on_batch(self, lane: int, batch: Batch) -> None:
        flow = self.pipeline.name
        self._events.emit(
            BatchWritten(
                flow=flow,
                run_id=self.run_id,
                lane=lane,
                records_read=batch.records_read,
                records_written=batch.num_rows,
                bytes_read=batch.bytes_read,
            )
        )
        if batch.finished:
            self._events.emit(SplitFinished(flow=flow, run_id=self.run_id, split=batch.split_id, lane=lane))


__all__ = ["ENUMERATOR", "Attempt"]
