"""Flows, as they go out and come in."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from active_data_flow.runtimes.heartbeat.api.schemas.types import (
    Configuration,
    Flag,
    FlowName,
    Input,
    Text,
    shown_value,
)
from active_data_flow.runtimes.heartbeat.models import DataFlow

Reference = Annotated[
    str,
    Field(
        max_length=255,
        pattern=r"^([A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*)?$",
        description="The flow's code in an installed app, as `shop.flows:PriceSync`; empty: it has none.",
    ),
]
Version = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="Of what people may change of the flow.")]


class FlowItem(BaseModel):
    """A flow in a list."""

    name: str
    description: str
    enabled: bool
    reference: Reference
    schedule: Annotated[str | None, Field(description="When it runs, in words; null: only when asked to.")]
    queue: str
    priority: int
    concurrency_group: str
    busy: Annotated[bool, Field(description="Whether a run of it is pending or in progress.")]
    code_missing: Annotated[bool, Field(description="Whether no installed app has its code any more: it does not run.")]
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_status: str
    last_error: str
    version: Version

    @classmethod
    def of(cls, flow: DataFlow, **more: Any) -> Self:
        """The shape of a record."""
        schedule = flow.schedule
        return cls(
            name=flow.name,
            description=flow.description,
            enabled=flow.enabled,
            reference=flow.reference,
            schedule=None if schedule is None else schedule.describe(),
            queue=flow.queue,
            priority=flow.priority,
            concurrency_group=flow.concurrency_group,
            busy=flow.busy,
            code_missing=flow.code_missing,
            next_run_at=flow.next_run_at,
            last_run_at=flow.last_run_at,
            last_status=flow.last_status,
            last_error=flow.last_error,
            version=version_of(flow),
            **more,
        )


class Flow(FlowItem):
    """A flow, whole."""

    configuration: Configuration
    created_at: datetime
    updated_at: datetime

    @classmethod
    def whole(cls, flow: DataFlow) -> Self:
        """The shape of a record; secrets in its configuration are redacted, references to them are not."""
        shown = shown_value(flow.configuration)
        return cls.of(flow, configuration=shown, created_at=flow.created_at, updated_at=flow.updated_at)


class NewFlow(Input):
    """A flow to be made."""

    name: FlowName
    description: Text = ""
    enabled: Flag = True
    reference: Reference = ""
    configuration: Configuration = Field(default_factory=dict)


class FlowChange(Input):
    """What is to be changed of a flow; what is left out stays."""

    version: Annotated[Version, Field(description="The version that the change is made to; refused if it is older.")]
    description: Text | None = None
    enabled: Flag | None = None
    configuration: Configuration | None = None


def version_of(flow: DataFlow) -> str:
    """A hash of what people may change; runs don't change it."""
    parts = [flow.pk, flow.description, flow.enabled, flow.reference, flow.configuration]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


__all__ = ["Flow", "FlowChange", "FlowItem", "NewFlow", "Reference", "Version", "version_of"]
