"""One heartbeat: finds what is lost and what is due, and runs it or hands it over."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import DatabaseError, InterfaceError, connections
from django.utils import timezone

from active_data_flow.core.errors import ExecutionError, Then
from active_data_flow.core.logging import get_logger
from active_data_flow.core.run import Budget
from active_data_flow.runtimes.heartbeat.claiming import Claims
from active_data_flow.runtimes.heartbeat.database import database, replace_lost_connection
from active_data_flow.runtimes.heartbeat.execution import Executor, make_executor
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, Heartbeat
from active_data_flow.runtimes.heartbeat.settings import app_settings
from active_data_flow.runtimes.heartbeat.sweeping import prune, sweep
from active_data_flow.runtimes.heartbeat.texts import shown, storable_value
from active_data_flow.runtimes.heartbeat.working import Interruption

_LEAST = 1.0
"""Seconds with which it is still worth beginning with a run."""
_SHARE = 5.0
"""Seconds that a run is given at least, however many wait: opening a source and a sink takes its time."""
_IDLE = 1.0
"""Seconds in which a connection that isn't used may be lost."""
_PRUNE_EVERY = 100


@dataclass(slots=True)
class HeartbeatResult:
    """What a heartbeat did.

    Attributes:
        flows_due: Flows that were due when it began, runs that were to go on included.
        flows_triggered: Runs that it worked on or handed over.
        flows_remaining: Flows that are due now; the next heartbeat goes on with them.
        runs_lost: Runs whose workers had given no sign of life; their flows are due again.
        seconds: How long it took.
        triggered: Of each run its flow, id and status.
        skipped: Of each flow that was due and not triggered its name, and why.
    """

    flows_due: int = 0
    flows_triggered: int = 0
    flows_remaining: int = 0
    runs_lost: int = 0
    seconds: float = 0.0
    triggered: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    skipped: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def to_json(self) -> dict[str, Any]:
        """A JSON-safe mapping with all attributes."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


def heartbeat(
    budget_seconds: float | None = None,
    max_flows: int | None = None,
    *,
    source: str = "",
    interruption: Interruption | None = None,
) -> HeartbeatResult:
    """Run the flows that are due, or hand them to the queue where the job runtime is installed.

    Any number may go on at once: each due flow is run by one of them. Time is shared: each flow gets a part of what is
    left, and one that is not done by then stops at a checkpoint and goes on at the next heartbeat. A flow that fails
    says so in its run, and does not stop the others.

    Args:
        budget_seconds: Time that this may take; default: the setting ``BUDGET``.
        max_flows: Flows to trigger at most; default: the setting ``MAX_FLOWS``.
        source: Who sent the heartbeat, for its record.
        interruption: Asks it to stop: what is worked on then stops at its next checkpoint.

    Raises:
        ExecutionError: The database can't be reached (nothing is lost: all stays due), or there is a transaction around
            the call, in which no other process would see what is claimed.

    Example:
        >>> heartbeat(budget_seconds=5).flows_remaining
        0
    """
    settings = app_settings()
    budget = settings.budget if budget_seconds is None else budget_seconds
    most = settings.max_flows if max_flows is None else max_flows
    try:
        replace_lost_connection()
        _check_transaction()
        return _Beat(budget, most, source, interruption or Interruption()).run()
    except (DatabaseError, InterfaceError) as error:
        message = f"the heartbeat's database {database()!r} can't be used: {shown(error)}; what is due stays due"
        raise ExecutionError(message, then=Then.RETRY) from error


def _check_transaction() -> None:
    if connections[database()].in_atomic_block:
        message = "a heartbeat must not be inside a transaction; mark its view with transaction.non_atomic_requests"
        raise ExecutionError(message)


class _Beat:
    def __init__(self, budget: float, most: int, source: str, interruption: Interruption) -> None:
        self._budget = budget
        self._most = most
        self._source = source
        self._interruption = interruption
        self._started = time.monotonic()
        self._result = HeartbeatResult()

    def run(self) -> HeartbeatResult:
        record = Heartbeat.objects.using(database()).create(started_at=timezone.now(), source=self._source[:128])
        self._result.runs_lost = len(sweep())
        executor = make_executor(self._interruption)
        claims = Claims(executor.handover)
        self._result.flows_due = claims.due()
        try:
            if self._result.flows_due:
                is_left = self._work(executor, claims)
                claims.give_back()
                self._result.flows_remaining = claims.due() if is_left else 0
        finally:
            executor.close()
        self._result.skipped += [{"flow": name, "why": why} for name, why in claims.skipped.items()]
        self._result.seconds = time.monotonic() - self._started
        self._save(record)
        if record.pk % _PRUNE_EVERY == 0:
            prune()
        return self._result

    def _work(self, executor: Executor, claims: Claims) -> bool:
        """Whether something may be left that is due."""
        while self._goes_on():
            run = claims.next(self._most - self._result.flows_triggered)
            if run is None:
                return False
            self._execute(executor, claims, run)
        return True

    def _goes_on(self) -> bool:
        worth_it = self._left >= min(_LEAST, self._budget) or not self._result.flows_triggered
        return worth_it and self._result.flows_triggered < self._most and not self._interruption.by

    def _execute(self, executor: Executor, claims: Claims, run: DataFlowRun) -> None:
        self._result.flows_triggered += 1
        waiting = max(1, min(self._result.flows_due, self._most) - self._result.flows_triggered + 1)
        seconds = max(self._left / waiting, min(_SHARE, self._left))
        started = time.monotonic()
        try:
            executor.execute(run, Budget(seconds=seconds, until_caught_up=True))
        except Exception as error:  # noqa: BLE001  # whatever it is, the other flows are not to suffer
            get_logger(run.flow.name, run=run.run_id).error("run could not be executed", error=shown(error))
            claims.pass_over(run.flow, f"{type(error).__name__}: {shown(error)}")
        if time.monotonic() - started > _IDLE:
            replace_lost_connection()
        self._result.triggered.append({"flow": run.flow.name, "run_id": run.run_id, "status": run.status})

    def _save(self, record: Heartbeat) -> None:
        for name in ("flows_due", "flows_triggered", "flows_remaining", "runs_lost"):
            setattr(record, name, getattr(self._result, name))
        record.triggered = self._result.triggered
        record.skipped = storable_value(self._result.skipped)
        record.ended_at = timezone.now()
        record.save(using=database())

    @property
    def _left(self) -> float:
        return max(0.0, self._budget - (time.monotonic() - self._started))


__all__ = ["HeartbeatResult", "heartbeat"]
