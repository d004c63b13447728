"""Finds runs whose workers were lost, and deletes what is too old to be kept."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from active_data_flow.runtimes.heartbeat.database import database, runs
from active_data_flow.runtimes.heartbeat.leases import lose
from active_data_flow.runtimes.heartbeat.models import (
    DatabaseNow,
    DataFlowRun,
    FailureReason,
    Heartbeat,
    RateLimitCounter,
    Trigger,
)
from active_data_flow.runtimes.heartbeat.models.database_now import in_seconds
from active_data_flow.runtimes.heartbeat.settings import app_settings

_MOST = 500


def sweep() -> list[DataFlowRun]:
    """Give up runs without a sign of life: failed as lost, and their flows due again at once, from their checkpoints.

    A flow that has lost as many runs in a row as it has attempts waits for its next time instead, and so does one whose
    run hung. Returns the runs that were given up.
    """
    if not runs().stale().exists():  # nearly always, and less work than to ask for whole records
        return []
    stale = runs().stale().annotate(now=DatabaseNow()).select_related("flow")
    return [run for run in stale.order_by("pk")[:_MOST] if _give_up(run)]


def _give_up(run: DataFlowRun) -> bool:
    assert run.lease_expires_at is not None
    if run.lease_expires_at > run.now:  # pyright: ignore[reportAttributeAccessIssue]  # annotated
        return lose(
            run, FailureReason.TIMEOUT, f"has worked since before {run.deadline_at} without an end", again=False
        )
    error = f"worker {run.lease_owner} gave no sign of life after {run.lease_expires_at:%Y-%m-%d %H:%M:%S}"
    again = run.trigger != Trigger.REPLAY.value and run.flow.losses + 1 < run.max_attempts
    return lose(run, FailureReason.LOST, error, again=again)


def prune() -> int:
    """Delete heartbeats and ended runs that are older than the settings keep them; some at a time. How many."""
    settings = app_settings()
    old: tuple[QuerySet[Any], ...] = (
        Heartbeat.objects.using(database()).filter(started_at__lt=in_seconds(-settings.keep_heartbeats)),
        runs().ended().filter(created_at__lt=in_seconds(-settings.keep_runs)),
        RateLimitCounter.objects.using(database()).filter(minute__lt=in_seconds(-3600)),
    )
    return sum(_delete_some(rows) for rows in old)


def _delete_some(rows: QuerySet[Any]) -> int:
    oldest = list(rows.order_by("pk").values_list("pk", flat=True)[:_MOST])
    return rows.filter(pk__in=oldest).delete()[0] if oldest else 0


__all__ = ["prune", "sweep"]
