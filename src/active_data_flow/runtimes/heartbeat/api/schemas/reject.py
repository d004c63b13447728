"""Rejected records, as they go out and come in."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from active_data_flow.core.run import RunResult
from active_data_flow.engine.stores.records import RejectGroup as Group
from active_data_flow.runtimes.heartbeat.api.schemas.types import WHOLE, Input, shown_value
from active_data_flow.runtimes.heartbeat.models import RejectedRecord
from active_data_flow.runtimes.heartbeat.rejects import stored

Ids = Annotated[
    list[Annotated[int, Field(ge=1, le=2**63 - 1), WHOLE]] | None,
    Field(min_length=1, max_length=1000, description="Numbers of the records; left out: all that are open."),
]


class Reject(BaseModel):
    """A rejected record; secrets in it are redacted."""

    id: int
    pipeline: str
    status: str
    run_id: str
    at: datetime
    stage: Annotated[str, Field(description="The step that it was rejected in.")]
    error_type: str
    error: str
    field: str | None
    record: Annotated[Any, Field(description="The record, or the text that could not be read.")]
    split: str
    position: Any
    flow_version: str

    @classmethod
    def of(cls, row: RejectedRecord) -> Self:
        """The shape of a record, whose pipeline was read with it."""
        reject = stored(row)
        return cls(
            id=reject.id,
            pipeline=reject.flow,
            status=reject.status,
            run_id=reject.run_id,
            at=row.at,
            stage=reject.stage,
            error_type=reject.error_type,
            error=shown_value(reject.error),
            field=reject.field,
            record=shown_value(reject.record),
            split=shown_value(reject.split_id),
            position=shown_value(reject.position),
            flow_version=reject.flow_version,
        )


class RejectGroup(BaseModel):
    """Open rejected records that failed in the same way."""

    error_type: str
    stage: str
    field: str | None
    records: int
    first_id: int
    last_at: str
    example: str

    @classmethod
    def of(cls, group: Group) -> Self:
        """The shape of a group."""
        return cls(**{**asdict(group), "example": shown_value(group.example)})


class RejectGroups(BaseModel):
    """Open rejected records of a flow by kind, most first."""

    items: list[RejectGroup]


class Chosen(Input):
    """Which records."""

    ids: Ids = None


class Replayed(BaseModel):
    """What a replay did."""

    run_id: str
    records_read: int
    records_written: int
    records_rejected: Annotated[int, Field(description="Rejected anew: each has an entry of its own.")]

    @classmethod
    def of(cls, result: RunResult) -> Self:
        """The shape of a result."""
        return cls(**{name: getattr(result, name) for name in cls.model_fields})


class Discarded(BaseModel):
    """How many were discarded."""

    records: int


__all__ = ["Chosen", "Discarded", "Reject", "RejectGroup", "RejectGroups", "Replayed"]
