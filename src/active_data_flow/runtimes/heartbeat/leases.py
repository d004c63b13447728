"""Who works on a run, and until when: begin, give signs of life, and end it, each by one conditional UPDATE.

A worker that was frozen until its lease was given to another finds none of its own any more: what it still says about
the run is refused.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from active_data_flow.core.errors import ActiveDataFlowError, FencedError
from active_data_flow.runtimes.heartbeat.database import database, flows, reload, runs
from active_data_flow.runtimes.heartbeat.models import (
    DatabaseNow,
    DataFlowRun,
    FailureReason,
    RunStatus,
    StopRequest,
)
from active_data_flow.runtimes.heartbeat.models.data_flow_run import DataFlowRunQuerySet
from active_data_flow.runtimes.heartbeat.models.database_now import in_seconds
from active_data_flow.runtimes.heartbeat.settings import app_settings
from active_data_flow.runtimes.heartbeat.signals import flow_finished, send
from active_data_flow.runtimes.heartbeat.texts import shown

_FREE: Mapping[str, Any] = {"lease_expires_at": None, "deadline_at": None, "stop_requested": ""}


def begin(run: DataFlowRun) -> bool:
    """Begin to work on a pending run; false where another has, or it was paused or cancelled meanwhile.

    However often a task is delivered, one worker gets true.
    """
    settings = app_settings()
    waiting = runs().filter(pk=run.pk, status=RunStatus.PENDING, next_attempt_at__isnull=False)
    with transaction.atomic(using=database()):
        begun = waiting.update(
            status=RunStatus.IN_PROGRESS,
            started_at=Coalesce("started_at", DatabaseNow()),
            next_attempt_at=None,
            lease_owner=_new_owner(),
            lease_expires_at=in_seconds(settings.lease),
            deadline_at=in_seconds(settings.run_timeout),
            stop_requested="",
        )
        if begun:
            flows().filter(pk=run.flow_id).update(last_status=RunStatus.IN_PROGRESS)
    if begun:
        reload(run)
    return bool(begun)


def begun(now: datetime) -> dict[str, Any]:
    """Columns of a new run that its maker begins at once."""
    settings = app_settings()
    return {
        "status": RunStatus.IN_PROGRESS,
        "started_at": now,
        "lease_owner": _new_owner(),
        "lease_expires_at": now + timedelta(seconds=settings.lease),
        "deadline_at": now + timedelta(seconds=settings.run_timeout),
    }


def renew(run: DataFlowRun, **progress: Any) -> str:
    """Give a sign of life, and tell how far the run is.

    Returns:
        What the run is asked to do: a `StopRequest`, or nothing.

    Raises:
        FencedError: The run is another's, or has ended.
    """
    _update_mine(run, lease_expires_at=in_seconds(app_settings().lease), **progress)
    return _mine(run).values_list("stop_requested", flat=True).first() or ""


def succeed(run: DataFlowRun, **values: Any) -> None:
    """End a run well.

    Raises:
        FencedError: It is another's, or has ended.
    """
    _end(run, RunStatus.SUCCESS, reason="", error="", error_type="", traceback="", **values)


def fail(run: DataFlowRun, reason: str, **values: Any) -> None:
    """End a run badly.

    Raises:
        FencedError: It is another's, or has ended.
    """
    _end(run, RunStatus.FAILED, reason=reason, **values)


def put_off(run: DataFlowRun, seconds: float | None, **values: Any) -> None:
    """Let a run go on later: after so many seconds, or when someone resumes it (None).

    Raises:
        FencedError: It is another's, or has ended.
    """
    later = None if seconds is None else in_seconds(seconds)
    values = {**_FREE, "status": RunStatus.PENDING, "next_attempt_at": later, **values}
    _update_mine(run, **values)
    flows().filter(pk=run.flow_id).update(last_status=RunStatus.PENDING)
    _take_over(run, values)


def cancel(run: DataFlowRun) -> bool:
    """Cancel a run: at once where no one works on it, else at its next checkpoint. False where it has ended."""
    for _ in range(2):  # it may change between the two
        if _end_waiting(run, FailureReason.CANCELLED, error="cancelled before it went on"):
            return True
        if _ask(run, StopRequest.CANCEL):
            return True
    return False


def refuse(run: DataFlowRun, error: ActiveDataFlowError) -> bool:
    """Fail a pending run that can't be begun by anyone; false where it was begun, or has ended."""
    values = {"error": shown(error), "error_type": type(error).__name__}
    return _end_waiting(run, FailureReason.ERROR, **values)


def pause(run: DataFlowRun) -> bool:
    """Pause a run until `resume`: where someone works on it, at its next checkpoint. False where it has ended."""
    for _ in range(2):
        if runs().filter(pk=run.pk, status=RunStatus.PENDING).update(next_attempt_at=None):
            return True
        if _ask(run, StopRequest.PAUSE):
            return True
    return False


def resume(run: DataFlowRun) -> bool:
    """Let a paused run go on at the next heartbeat; false where it is not paused."""
    paused = runs().filter(pk=run.pk, status=RunStatus.PENDING, next_attempt_at__isnull=True)
    return paused.update(next_attempt_at=DatabaseNow()) == 1


def lose(run: DataFlowRun, reason: str, error: str, *, again: bool) -> bool:
    """Give up a run whose worker gives no sign of life, or no end; `again`: its flow is due at once.

    False where it was not in progress any more, or gave a sign of life meanwhile.
    """
    with transaction.atomic(using=database()):
        stale = runs().stale().filter(pk=run.pk, lease_owner=run.lease_owner)
        values = {**_FREE, "ended_at": DatabaseNow(), "error_type": "RunLost", "error": error}
        if not stale.update(status=RunStatus.FAILED, reason=reason, **values):
            return False
        due: dict[str, Any] = {"next_run_at": DatabaseNow()} if again else {}
        _free_flow(run, RunStatus.FAILED, error, losses=F("losses") + 1, **due)
    reload(run)
    send(flow_finished, run)
    return True


def _end(run: DataFlowRun, status: RunStatus, **values: Any) -> None:
    values = {**_FREE, "status": status, "ended_at": DatabaseNow(), **values}
    with transaction.atomic(using=database(), savepoint=False):
        _update_mine(run, **values)
        _free_flow(run, status, str(values.get("error", "")), losses=0)
    _take_over(run, values)


def _end_waiting(run: DataFlowRun, reason: FailureReason, **values: Any) -> bool:
    """End a run badly that no one works on; false where someone does, or it has ended."""
    ended = {**_FREE, "status": RunStatus.FAILED, "reason": reason, "ended_at": DatabaseNow(), "next_attempt_at": None}
    with transaction.atomic(using=database()):
        if not runs().filter(pk=run.pk, status=RunStatus.PENDING).update(**ended, **values):
            return False
        _free_flow(run, RunStatus.FAILED, str(values["error"]))
    reload(run)
    send(flow_finished, run)
    return True


def _new_owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _ask(run: DataFlowRun, request: StopRequest) -> bool:
    return runs().filter(pk=run.pk, status=RunStatus.IN_PROGRESS).update(stop_requested=request) == 1


def _update_mine(run: DataFlowRun, **values: Any) -> None:
    if not _mine(run).update(**values):
        raise FencedError(f"run {run.run_id} is no longer this worker's: its lease has run out, or it was deleted")


def _take_over(run: DataFlowRun, values: Mapping[str, Any]) -> None:
    """Let a run's fields be what was written; what the database alone knows, Django reads when it is asked for."""
    for name, value in values.items():
        if hasattr(value, "resolve_expression"):
            vars(run).pop(name, None)
        else:
            setattr(run, name, value)


def _free_flow(run: DataFlowRun, status: RunStatus, error: str, **values: Any) -> None:
    flow = flows().filter(pk=run.flow_id, claim_version=run.fence)
    flow.update(busy=False, last_status=status, last_error=error, **values)


def _mine(run: DataFlowRun) -> DataFlowRunQuerySet:
    return runs().filter(pk=run.pk, status=RunStatus.IN_PROGRESS, lease_owner=run.lease_owner)


__all__ = ["begin", "begun", "cancel", "fail", "lose", "pause", "put_off", "refuse", "renew", "resume", "succeed"]
