"""Takes flows that are due, and runs that are to go on, so that of all who ask at once exactly one gets each.

The exclusion is one conditional UPDATE on the flow's claim version; ``SKIP LOCKED`` only spreads those who ask, where
the database has it. Transactions are short, the time is the database's, and flows run outside of them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import F

from active_data_flow.core.errors import ActiveDataFlowError, AlreadyRunningError
from active_data_flow.engine.coordinator import new_run_id
from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.database import database, flows, runs
from active_data_flow.runtimes.heartbeat.models import (
    ConcurrencyGroup,
    DatabaseNow,
    DataFlow,
    DataFlowRun,
    RunStatus,
    Trigger,
)
from active_data_flow.runtimes.heartbeat.models.data_flow import DataFlowQuerySet
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
        self._passed_over: set[int] = set()
        self._given: set[int] = set()
        self._runs_wait = True

    def due(self) -> int:
        """How many flows there are to claim, runs that are to go on included."""
        waiting = self._due_runs().count()
        self._runs_wait = waiting > 0
        return self._due_flows().count() + waiting

    def next(self) -> DataFlowRun | None:
        """Claim what is due, by priority, then the longest due; None where nothing is left to claim.

        A run that is to go on after it was given once has its turn again when all others have had theirs.

        Returns:
            A run that the caller has begun; or a pending one, to hand over, its own for as long as `handover` says.
        """
        run = self._next()
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
        self._passed_over.add(flow.pk)

    def _next(self) -> DataFlowRun | None:
        while True:
            run = self._first_run() if self._runs_wait else None
            if run is None or self._has_flow_before(run):
                tried, claimed = self._claim()
                if claimed is not None or (run is None and not tried):
                    return claimed
                if tried:
                    continue
            if run is not None and take(run, self._handover):
                return run

    def _next_run(self) -> DataFlowRun | None:
        while (run := self._first_run()) is not None:
            if take(run, self._handover):
                return run
        return None

    def _first_run(self) -> DataFlowRun | None:
        new = self._due_runs().exclude(pk__in=self._given)
        return new.order_by("-priority", "next_attempt_at", "pk").first()

    def _has_flow_before(self, run: DataFlowRun) -> bool:
        flow = self._due_flows().first()
        return flow is not None and _rank(flow.priority, flow.next_run_at) < _rank(run.priority, run.next_attempt_at)

    def _due_flows(self) -> DataFlowQuerySet:
        due = flows().due_to_run().exclude(pk__in=self._passed_over)
        return due.order_by("-priority", "next_run_at", "pk")

    def _due_runs(self) -> DataFlowRunQuerySet:
        return runs().due_to_go_on().exclude(flow__in=self._passed_over).select_related("flow")

    def _claim(self) -> tuple[bool, DataFlowRun | None]:
        """Try the first flow that no one else is claiming: whether there was one, and its run, where it was got."""
        flow: DataFlow | None = None
        due, skips_locked = self._due_flows().annotate(now=DatabaseNow()), _skips_locked()
        try:
            if not skips_locked:
                flow = due.first()
                if flow is None:
                    return False, None
            with transaction.atomic(using=database()):
                if skips_locked:
                    flow = due.select_for_update(skip_locked=True).first()
                return (False, None) if flow is None else (True, _claim(flow, Trigger.SCHEDULE, self._handover))
        except ActiveDataFlowError as error:
            assert flow is not None
            self.pass_over(flow, error.message)
            return True, None


def claim(flow: DataFlow, trigger: str, handover: float | None) -> DataFlowRun:
    """Claim a flow whether or not it is due; see `Claims` for `handover`.

    Raises:
        AlreadyRunningError: A run of it is pending or in progress, or its group is full.
    """
    while True:
        found = flows().annotate(now=DatabaseNow()).get(pk=flow.pk)
        if found.busy:
            raise AlreadyRunningError(_who_runs(found), flow=found.name)
        with transaction.atomic(using=database()):
            run = _claim(found, trigger, handover)
        if run is not None:
            return run


def take(run: DataFlowRun, handover: float | None) -> bool:
    """Take a pending run that is due to go on, from all others who see it too; see `Claims` for `handover`."""
    if handover is None:
        return leases.begin(run)
    due = runs().filter(pk=run.pk, status=RunStatus.PENDING, next_attempt_at__lte=DatabaseNow())
    return due.update(next_attempt_at=in_seconds(handover)) == 1


def _claim(flow: DataFlow, trigger: str, handover: float | None) -> DataFlowRun | None:
    """The whole of the exclusion, inside a transaction; None where another was quicker."""
    now: datetime = flow.now  # pyright: ignore[reportAttributeAccessIssue]  # annotated
    scheduled = trigger == Trigger.SCHEDULE.value
    mine = flows().filter(pk=flow.pk, claim_version=flow.claim_version, busy=False)
    if scheduled:
        mine = mine.filter(enabled=True, next_run_at__lte=DatabaseNow())
    following = _next_time(flow, now) if scheduled else flow.next_run_at
    state: dict[str, Any] = {"status": RunStatus.PENDING}
    state |= leases.begun(now) if handover is None else {"next_attempt_at": now + timedelta(seconds=handover)}
    version, status = F("claim_version") + 1, state["status"]
    if not mine.update(claim_version=version, busy=True, last_run_at=now, next_run_at=following, last_status=status):
        return None
    _check_group(flow)
    return runs().create(
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


def _skips_locked() -> bool:
    return connections[database()].features.has_select_for_update_skip_locked


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


def _rank(priority: int, due: datetime | None) -> tuple[int, datetime]:
    assert due is not None
    return -priority, due


__all__ = ["Claims", "GroupFullError", "claim", "take"]
