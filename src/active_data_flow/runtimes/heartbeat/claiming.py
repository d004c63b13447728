"""Takes flows that are due, and runs that are to go on, so that of all who ask at once exactly one gets each.

The exclusion is one conditional UPDATE on the flow's claim version, whatever is known of the flow from before.
Transactions are short, the time is the database's, and flows run outside of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import F

from active_data_flow.core.errors import ActiveDataFlowError, AlreadyRunningError
from active_data_flow.engine.coordinator import new_run_id
from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.database import database, flows, runs
from active_data_flow.runtimes.heartbeat.due_flows import DueFlows
from active_data_flow.runtimes.heartbeat.models import (
    ConcurrencyGroup,
    DatabaseNow,
    DataFlow,
    DataFlowRun,
    RunStatus,
    Trigger,
)
from active_data_flow.runtimes.heartbeat.models.data_flow_run import DataFlowRunQuerySet
from active_data_flow.runtimes.heartbeat.models.database_now import in_seconds


class GroupFullError(AlreadyRunningError):
    """As many runs of the flow's concurrency group go on as it allows."""


class Claims:
    """What one heartbeat claims.

    Args:
        handover: Seconds within which whoever is given a run has to begin with it; then it is given to another. None:
            this process begins with it as it claims it.

    Attributes:
        skipped: Why a flow that is due was not claimed, by its name.
    """

    def __init__(self, handover: float | None) -> None:
        self.skipped: dict[str, str] = {}
        self._handover = handover
        self._flows = DueFlows()
        self._claimed: deque[DataFlowRun] = deque()
        self._given: set[int] = set()
        self._runs_wait = True

    def due(self) -> int:
        """How many flows there are to claim, runs that are to go on included."""
        waiting = self._due_runs().count()
        self._runs_wait = waiting > 0
        return self._flows.count() + waiting

    def next(self, most: int = 1) -> DataFlowRun | None:
        """Claim what is due, by priority, then the longest due; None where nothing is left to claim.

        A run that is to go on after it was given once has its turn again when all others have had theirs.

        Args:
            most: How many will be asked for at most: runs to hand over are claimed several at a time.

        Returns:
            A run that the caller has begun; or a pending one, to hand over, its own for as long as `handover` says.
        """
        run = self._claimed.popleft() if self._claimed else self._next(1 if self._handover is None else most)
        if run is None and (self._given or not self._runs_wait):
            self._given.clear()
            self._runs_wait = True
            run = self._next_run()
        if run is not None:
            self._given.add(run.pk)
        return run

    def pass_over(self, flow: DataFlow, why: str) -> None:
        """Leave a flow alone for the rest of this heartbeat."""
        self.skipped[flow.name] = why
        self._flows.pass_over(flow)

    def give_back(self) -> None:
        """Give back what was claimed and not asked for: the next heartbeat goes on with it."""
        if self._claimed:
            mine = runs().filter(pk__in=[run.pk for run in self._claimed], status=RunStatus.PENDING)
            mine.filter(next_attempt_at__isnull=False).update(next_attempt_at=DatabaseNow())  # null: paused meanwhile
            self._claimed.clear()

    def _next(self, most: int) -> DataFlowRun | None:
        while True:
            run = self._first_run() if self._runs_wait else None
            due = self._flows.first(most if run is None else 1)
            if due and (run is None or _comes_before(due[0], run)):
                self._claim(due)
                if self._claimed:
                    return self._claimed.popleft()
            elif run is None or take(run, self._handover):
                return run

    def _next_run(self) -> DataFlowRun | None:
        while (run := self._first_run()) is not None:
            if take(run, self._handover):
                return run
        return None

    def _first_run(self) -> DataFlowRun | None:
        new = self._due_runs().exclude(pk__in=self._given)
        return new.order_by("-priority", "next_attempt_at", "pk").first()

    def _due_runs(self) -> DataFlowRunQuerySet:
        return runs().due_to_go_on().exclude(flow__in=self._flows.passed_over).select_related("flow")

    def _claim(self, due: Sequence[DataFlow]) -> None:
        """Try to claim flows; what others were quicker with is not among what was claimed."""
        try:
            with transaction.atomic(using=database()):
                claimed = _claim(due, self._flows.now, Trigger.SCHEDULE, self._handover)
        except ActiveDataFlowError as error:
            self._claim_alone(due, error)
            return
        self._claimed += claimed
        if len(claimed) == len(due):
            self._flows.remove(due)
        else:
            self._flows.forget()

    def _claim_alone(self, due: Sequence[DataFlow], error: ActiveDataFlowError) -> None:
        """One of the flows can't be claimed."""
        if len(due) == 1:
            self.pass_over(due[0], error.message)
        else:
            for flow in due:
                self._claim([flow])


def claim(flow: DataFlow, trigger: str, handover: float | None) -> DataFlowRun:
    """Claim a flow whether or not it is due; see `Claims` for `handover`.

    Raises:
        AlreadyRunningError: A run of it is pending or in progress, or its group is full.
    """
    while True:
        found = flows().annotate(now=DatabaseNow()).get(pk=flow.pk)
        if found.busy:
            raise AlreadyRunningError(_who_runs(found), flow=found.name)
        now: datetime = found.now  # pyright: ignore[reportAttributeAccessIssue]  # annotated
        with transaction.atomic(using=database()):
            for run in _claim([found], now, trigger, handover):
                return run


def take(run: DataFlowRun, handover: float | None) -> bool:
    """Take a pending run that is due to go on, from all others who see it too; see `Claims` for `handover`."""
    if handover is None:
        return leases.begin(run)
    due = runs().filter(pk=run.pk, status=RunStatus.PENDING, next_attempt_at__lte=DatabaseNow())
    return due.update(next_attempt_at=in_seconds(handover)) == 1


def _claim(due: Sequence[DataFlow], now: datetime, trigger: str, handover: float | None) -> list[DataFlowRun]:
    """The whole of the exclusion, inside a transaction; runs of those flows with which no other was quicker."""
    state: dict[str, Any] = {"status": RunStatus.PENDING}
    state |= leases.begun(now) if handover is None else {"next_attempt_at": now + timedelta(seconds=handover)}
    in_one_order = sorted(due, key=lambda flow: flow.pk)  # whoever claims several locks them in the same order
    mine = [flow for flow in in_one_order if _take_flow(flow, now, trigger, state["status"])]
    return _insert([_new_run(flow, now, trigger, state) for flow in due if flow in mine])


def _take_flow(flow: DataFlow, now: datetime, trigger: str, status: str) -> bool:
    scheduled = trigger == Trigger.SCHEDULE.value
    mine = flows().due_to_run().filter(updated_at=flow.updated_at) if scheduled else flows().filter(busy=False)
    taken = mine.filter(pk=flow.pk, claim_version=flow.claim_version).update(
        claim_version=F("claim_version") + 1,
        busy=True,
        last_run_at=now,
        next_run_at=_next_time(flow, now) if scheduled else flow.next_run_at,
        last_status=status,
    )
    if taken:
        _check_group(flow)
    return bool(taken)


def _new_run(flow: DataFlow, now: datetime, trigger: str, state: Mapping[str, Any]) -> DataFlowRun:
    return DataFlowRun(
        flow=flow,
        run_id=new_run_id(),
        trigger=trigger,
        created_at=now,
        max_attempts=flow.max_attempts,
        fence=flow.claim_version + 1,
        queue=flow.queue,
        priority=flow.priority,
        **state,
    )


def _insert(new: list[DataFlowRun]) -> list[DataFlowRun]:
    features: Any = connections[database()].features
    if len(new) > 1 and features.can_return_rows_from_bulk_insert:
        return runs().bulk_create(new)
    for run in new:
        run.save(using=database(), force_insert=True)
    return new


def _next_time(flow: DataFlow, now: datetime) -> datetime | None:
    schedule = flow.schedule
    return None if schedule is None else schedule.next_after(now, flow.next_run_at)


def _check_group(flow: DataFlow) -> None:
    """Count the group's runs, this one included; its row is locked, so that no one else counts meanwhile."""
    name = flow.concurrency_group
    if not name:
        return
    groups = ConcurrencyGroup.objects.using(database())
    if not groups.filter(name=name).update(version=F("version") + 1):
        groups.bulk_create([ConcurrencyGroup(name=name)], ignore_conflicts=True)
        groups.filter(name=name).update(version=F("version") + 1)
    if flows().filter(concurrency_group=name, busy=True).count() > flow.concurrency:
        message = f"{flow.concurrency} of the concurrency group {name} go on already"
        raise GroupFullError(message, flow=flow.name)


def _who_runs(flow: DataFlow) -> str:
    run = runs().filter(flow=flow, fence=flow.claim_version).first()
    if run is None:
        return f"flow {flow.name} is running already"
    where = f" by {run.lease_owner} since {run.started_at:%Y-%m-%d %H:%M:%S}" if run.started_at else ""
    return f"flow {flow.name} is running already: run {run.run_id} is {RunStatus(run.status).label}{where}"


def _comes_before(flow: DataFlow, run: DataFlowRun) -> bool:
    assert flow.next_run_at is not None
    assert run.next_attempt_at is not None
    return (-flow.priority, flow.next_run_at) < (-run.priority, run.next_attempt_at)


__all__ = ["Claims", "GroupFullError", "claim", "take"]
