"""Works on a run: begins it, gives signs of life meanwhile, and records how it ended."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from active_data_flow.core.clock import CLOCK, Clock
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import (
    ActiveDataFlowError,
    AlreadyRunningError,
    CheckpointError,
    ConfigurationError,
    FencedError,
)
from active_data_flow.core.event_log import log_events
from active_data_flow.core.events import Events
from active_data_flow.core.run import Budget, RunResult, RunStatus
from active_data_flow.core.schedule import RerunPolicy
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.database import DatabaseThread, database, reload
from active_data_flow.runtimes.heartbeat.lease_thread import Lease
from active_data_flow.runtimes.heartbeat.loading import load
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, FailureReason, StopRequest, Trigger
from active_data_flow.runtimes.heartbeat.run_log import RunLog, columns_of, counts_of
from active_data_flow.runtimes.heartbeat.signals import flow_finished, flow_started, send
from active_data_flow.runtimes.heartbeat.texts import shown, shown_traceback, storable_value

_SUMS = ("records_read", "records_written", "records_rejected", "bytes_read", "seconds", "checkpoints", "retries")


class Interruption:
    """Asks whatever is worked on, and whatever would be next, to stop; safe to use in a signal's handler.

    Attributes:
        by: Who asked, as ``SIGTERM``; empty: no one.
    """

    def __init__(self) -> None:
        self.by = ""
        self._stop: Stop | None = None

    def interrupt(self, by: str) -> None:
        """Ask to stop at the next checkpoint."""
        self.by = by
        if self._stop is not None:
            self._stop.interrupt(by)

    @contextmanager
    def reaches(self, stop: Stop) -> Generator[None]:
        """Have it reach a run while it is worked on."""
        self._stop = stop
        if self.by:
            stop.interrupt(self.by)
        try:
            yield
        finally:
            self._stop = None


def work_on(
    run: DataFlowRun,
    budget: Budget,
    *,
    thread: DatabaseThread | None = None,
    interruption: Interruption | None = None,
    **options: Any,
) -> RunResult:
    """Work on a run that this process has begun, until it ends or the budget is used up.

    What comes of it is in its record when this returns: success; pending, to go on (after the budget, a pause, or an
    interruption) or to be tried again; or failed, with the error.

    Args:
        run: The run; its fields are refreshed.
        budget: How much to do in this go.
        thread: Where the database is spoken to; default: one for this call.
        interruption: Asks to stop, at a checkpoint.
        **options: See `Work`.

    Returns:
        What was done in this go.

    Raises:
        ActiveDataFlowError: It failed; the record says so, and when it is tried again.
    """
    with ExitStack() as stack:
        thread = thread or stack.enter_context(DatabaseThread())
        send(flow_started, run)
        try:
            return Work(run, thread, **options).run(budget, interruption or Interruption())
        except BaseException:
            thread.call(reload, run)  # whatever is in the record, it may not be what was meant to be
            raise
        finally:
            if not run.is_active:
                send(flow_finished, run)


def begin_work_on(run: DataFlowRun, budget: Budget, *, interruption: Interruption | None = None) -> RunResult:
    """Begin a pending run that was handed over, and `work_on` it.

    Raises:
        AlreadyRunningError: It is not pending any more: another worker has begun it. Nothing was done.
        ActiveDataFlowError: See `work_on`.
    """
    with DatabaseThread() as thread:
        if not thread.call(leases.begin, run):
            raise AlreadyRunningError(f"run {run.run_id} is not pending any more", flow=run.flow.name)
        return work_on(run, budget, thread=thread, interruption=interruption)


def _told(error: BaseException) -> dict[str, Any]:
    """What a run's record says of an error."""
    return {"error_type": type(error).__name__, "error": shown(error), "traceback": shown_traceback(error)}


class Work:
    """One go of a run that this process has begun.

    Args:
        run: The run.
        thread: Where the database is spoken to.
        flow: The flow; default: that of the record.
        events: Told of what happens, besides the run's log.
        go_on: Whether the run goes on later when it was paused or interrupted; false: that is its end.
        from_start: Forget the positions of earlier runs first.
        clock: The time as the run sees it.
    """

    def __init__(
        self,
        run: DataFlowRun,
        thread: DatabaseThread,
        *,
        flow: DataFlow | None = None,
        events: Events | None = None,
        go_on: bool = True,
        from_start: bool = False,
        clock: Clock = CLOCK,
    ) -> None:
        self._run = run
        self._thread = thread
        self._flow = flow
        self._events = events
        self._go_on = go_on
        self._from_start = from_start
        self._clock = clock
        self._log: RunLog | None = None

    def run(self, budget: Budget, interruption: Interruption) -> RunResult:
        """Work until it ends or the budget is used up; record what came of it.

        Raises:
            ActiveDataFlowError: See `work_on`.
        """
        try:
            return self._work(budget, interruption)
        except FencedError:
            self._record()  # the record is another's, what was told is kept
            raise

    def _work(self, budget: Budget, interruption: Interruption) -> RunResult:
        stop = Stop()
        try:
            with interruption.reaches(stop):
                result = self._run_flow(budget, stop)
        except FencedError:
            raise
        except Exception as error:  # whatever it is, the record is to say so
            self._record(self._failed, error)
            raise
        self._record(self._ended, result)
        return result

    def _run_flow(self, budget: Budget, stop: Stop) -> RunResult:
        from active_data_flow.runtimes.heartbeat.store import DjangoStore

        flow = self._flow or self._thread.call(load, self._run.flow)
        log = self._log = RunLog(self._run, flow.log_level)
        self._thread.call(log.begin)
        events = Events(log)
        log_events(events, level=flow.log_level)
        if self._events is not None:
            events.subscribe(self._events.emit)
        store = DjangoStore(self._thread, self._run)
        coordinator = Coordinator(flow, store, events, stop, run_id=self._run.run_id, clock=self._clock)
        with Lease(self._run, self._thread, log, stop.interrupt):
            if self._from_start:
                coordinator.forget()
            return coordinator.run(budget)

    def _ended(self, result: RunResult) -> None:
        values, by = self._values(result), result.interrupted_by
        if by == StopRequest.CANCEL.value:
            leases.fail(self._run, FailureReason.CANCELLED, error="cancelled", **values)
        elif result.status is RunStatus.SUCCESS or not self._go_on:
            leases.succeed(self._run, **values)
        else:
            leases.put_off(self._run, None if by == StopRequest.PAUSE.value else 0.0, **values)

    def _failed(self, error: Exception) -> None:
        values = _told(error)
        if isinstance(error, ActiveDataFlowError) and isinstance(error.result, RunResult):
            values |= self._values(error.result)
        pause = self._pause_after(error)
        if pause is None:
            leases.fail(self._run, FailureReason.ERROR, **values)
        else:
            leases.put_off(self._run, pause, attempt=self._run.attempt + 1, **values)

    def _pause_after(self, error: Exception) -> float | None:
        """Seconds until the run is tried again; None: it is not, or the flow's next time comes sooner."""
        run, flow = self._run, self._run.flow
        if not self._go_on or isinstance(error, ConfigurationError) or run.attempt >= run.max_attempts:
            return None
        policy = RerunPolicy(attempts=run.max_attempts, backoff=flow.backoff, max_backoff=flow.max_backoff)
        pause = policy.pause_after(run.attempt)
        flow.refresh_from_db(using=database(), fields=["next_run_at"])
        if run.trigger != Trigger.SCHEDULE.value or flow.next_run_at is None:
            return pause
        return pause if (flow.next_run_at - timezone.now()).total_seconds() > pause else None

    def _values(self, result: RunResult) -> dict[str, Any]:
        """The run's columns after this go: what it did is added to what goes before it have done."""
        go = result.to_json()
        before: Mapping[str, Any] = self._run.result
        sums = {name: go[name] + before.get(name, 0) for name in _SUMS}
        return columns_of(counts_of(self._run) + counts_of(result)) | {"result": storable_value(go | sums)}

    def _record(self, function: Callable[..., None] | None = None, *args: Any) -> None:
        """Write down what came of it, and what it has told."""
        try:
            self._thread.call(self._write, function, *args)
        except (DatabaseError, InterfaceError) as error:
            message = f"run {self._run.run_id} could not be recorded, and will be lost and run again: {shown(error)}"
            raise CheckpointError(message, flow=self._run.flow.name) from error

    def _write(self, function: Callable[..., None] | None, *args: Any) -> None:
        with transaction.atomic(using=database()):
            if function is not None:
                function(*args)
            if self._log is not None:
                self._log.write()


@contextmanager
def hold(run: DataFlowRun, thread: DatabaseThread) -> Generator[DataFlowRun]:
    """Keep the lease of a run that was begun while something is done in its name, and end it as that ends."""
    send(flow_started, run)
    try:
        with Lease(run, thread, None, lambda _: None):
            yield run
    except BaseException as error:
        thread.call(leases.fail, run, FailureReason.ERROR, **_told(error))
        raise
    else:
        thread.call(leases.succeed, run)
    finally:
        thread.call(reload, run)
        send(flow_finished, run)


__all__ = ["Interruption", "Work", "begin_work_on", "hold", "work_on"]
