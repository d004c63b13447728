"""Runs, as they go out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from active_data_flow.runtimes.heartbeat.api.schemas.types import shown_value
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, RunLogLine

_SHORT = 500


class RunItem(BaseModel):
    """A run in a list."""

    run_id: str
    flow: str
    status: Annotated[str, Field(description="`pending`, `in_progress`, `success` or `failed`.")]
    reason: Annotated[str, Field(description="Why it failed: `error`, `lost`, `cancelled` or `timeout`; else empty.")]
    paused: bool
    trigger: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    seconds: Annotated[float | None, Field(description="How long it took, or has taken so far.")]
    attempt: int
    max_attempts: int
    records_read: int
    records_written: int
    records_rejected: int
    bytes_read: int
    error_type: str
    error: Annotated[str, Field(description="In lists no more than its beginning.")]
    queue: str
    priority: int

    @classmethod
    def of(cls, run: DataFlowRun, **more: Any) -> Self:
        """The shape of a record, whose flow was read with it."""
        duration = run.duration
        return cls(
            run_id=run.run_id,
            flow=run.flow.name,
            status=run.status,
            reason=run.reason,
            paused=run.is_paused,
            trigger=run.trigger,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            seconds=None if duration is None else round(duration.total_seconds(), 3),
            attempt=run.attempt,
            max_attempts=run.max_attempts,
            records_read=run.records_read,
            records_written=run.records_written,
            records_rejected=run.records_rejected,
            bytes_read=run.bytes_read,
            error_type=run.error_type,
            queue=run.queue,
            priority=run.priority,
            **{"error": run.error[:_SHORT], **more},
        )


class Run(RunItem):
    """A run, whole."""

    next_attempt_at: datetime | None
    worker: str
    lease_expires_at: datetime | None
    stop_requested: Annotated[str, Field(description="`cancel` or `pause`, where it was asked to and goes on still.")]
    task_id: str
    traceback: str
    result: Annotated[dict[str, Any], Field(description="What else it told at its end.")]

    @classmethod
    def whole(cls, run: DataFlowRun) -> Self:
        """The shape of a record."""
        return cls.of(
            run,
            error=run.error,
            next_attempt_at=run.next_attempt_at,
            worker=run.lease_owner,
            lease_expires_at=run.lease_expires_at,
            stop_requested=run.stop_requested,
            task_id=run.task_id,
            traceback=run.traceback,
            result=shown_value(run.result),
        )


class LogLine(BaseModel):
    """A line of a run's log."""

    at: datetime
    level: str
    text: str
    values: dict[str, Any]

    @classmethod
    def of(cls, line: RunLogLine) -> Self:
        """The shape of a record."""
        return cls(at=line.at, level=line.level, text=line.text, values=shown_value(line.values))


__all__ = ["LogLine", "Run", "RunItem"]
