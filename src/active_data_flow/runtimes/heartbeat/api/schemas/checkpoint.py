"""Positions, as they go out and come in."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from active_data_flow.runtimes.heartbeat.api.schemas.types import Input, shown_value
from active_data_flow.runtimes.heartbeat.models import CheckpointSplit, Pipeline

PipelineName = Annotated[
    str, Field(min_length=1, max_length=255, description="Name of a pipeline; of a flow with only one its own name.")
]


class PipelineItem(BaseModel):
    """A pipeline of a flow."""

    name: str
    epoch: Annotated[int, Field(description="Grows with each run; older runs can't commit any more.")]

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """The shape of a record."""
        return cls(name=pipeline.name, epoch=pipeline.epoch)


class Split(BaseModel):
    """A part of a source, and how far it is read."""

    pipeline: str
    split: str
    position: Annotated[Any, Field(description="Up to where it is committed; null: nothing is.")]
    finished: bool
    records_read: int
    records_written: int
    records_rejected: int
    bytes_read: int
    updated_at: datetime

    @classmethod
    def of(cls, row: CheckpointSplit) -> Self:
        """The shape of a record, whose pipeline was read with it."""
        state = json.loads(row.state)
        return cls(
            pipeline=row.pipeline.name,
            split=state["id"],
            position=shown_value(state["position"]),
            finished=state["finished"],
            updated_at=row.updated_at,
            **state["counts"],
        )


class Checkpoint(BaseModel):
    """How far a flow has read. Sinks that keep positions with their data may be one commit ahead after a crash."""

    pipelines: list[PipelineItem]
    items: Annotated[list[Split], Field(description="Splits, in the order in which they were begun.")]
    next: Annotated[str | None, Field(description="Give it as `cursor` to get the next page.")] = None


class Reset(Input):
    """Forget positions."""

    pipeline: Annotated[PipelineName | None, Field(description="Of this pipeline only.")] = None


class Rewind(Input):
    """Go on from other positions."""

    pipeline: PipelineName
    positions: Annotated[
        dict[str, Any],
        Field(min_length=1, max_length=1000, description="Position by split; null: from its beginning."),
    ]


class SetBack(BaseModel):
    """What was set back."""

    run_id: Annotated[str, Field(description="The run that held the flow meanwhile.")]
    pipelines: list[str]


__all__ = ["Checkpoint", "PipelineItem", "Reset", "Rewind", "SetBack", "Split"]
