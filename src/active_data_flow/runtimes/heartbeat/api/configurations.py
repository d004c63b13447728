"""Configurations that are not saved: validate, preview."""

from __future__ import annotations

from typing import Annotated, Any, Self

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import BaseModel, Field

from active_data_flow.core.data_flow import DataFlow as FlowItself
from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.engine.preview import Preview, preview
from active_data_flow.runtimes.heartbeat.api.access import operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.failures import conflict
from active_data_flow.runtimes.heartbeat.api.flows import find_flow
from active_data_flow.runtimes.heartbeat.api.schemas.flow import Reference
from active_data_flow.runtimes.heartbeat.api.schemas.problem import PartAtFault
from active_data_flow.runtimes.heartbeat.api.schemas.types import (
    WHOLE,
    Configuration,
    FlowName,
    FlowPath,
    Input,
    shown_value,
)
from active_data_flow.runtimes.heartbeat.api.validation import faults_of, validate
from active_data_flow.runtimes.heartbeat.loading import load
from active_data_flow.runtimes.heartbeat.models import DataFlow
from active_data_flow.runtimes.heartbeat.security import Scope
from active_data_flow.runtimes.heartbeat.texts import shown

router = Router()
_SHOWN_REJECTS = 20
_LONGEST = 10.0
"""Seconds that a preview reads at most: a request is not the place to wait."""
Rows = Annotated[int, Field(ge=1, le=100, description="Rows of each pipeline, at most."), WHOLE]


class Candidate(Input):
    """What might become a flow."""

    name: FlowName
    reference: Reference = ""
    configuration: Configuration

    def record(self) -> DataFlow:
        """The record that it would be."""
        return DataFlow(name=self.name, reference=self.reference, configuration=self.configuration)


class PreviewedCandidate(Candidate):
    """What might become a flow, to be looked at."""

    rows: Rows = 20


class PreviewRequest(Input):
    """How much is to be looked at."""

    rows: Rows = 20


class Verdict(BaseModel):
    """Whether a configuration is valid."""

    valid: bool
    errors: list[PartAtFault]


class Column(BaseModel):
    """A column after the transforms."""

    name: str
    type: str


class PreviewedReject(BaseModel):
    """A record that would be rejected."""

    stage: str
    error: str
    record: Any


class PipelinePreview(BaseModel):
    """What the sink of a pipeline would get first."""

    pipeline: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    rejects: list[PreviewedReject]
    records_read: int
    timed_out: bool

    @classmethod
    def of(cls, found: Preview) -> Self:
        """The shape of a preview."""
        return cls(
            pipeline=found.pipeline,
            columns=[Column(name=field.name, type=str(field.type)) for field in found.schema],
            rows=shown_value(found.table.to_pylist()),
            rejects=[
                PreviewedReject(stage=reject.stage, error=reject.error, record=shown_value(_plain(reject.record)))
                for reject in found.rejects[:_SHOWN_REJECTS]
            ],
            records_read=found.rows_read,
            timed_out=found.timed_out,
        )


class FlowPreview(BaseModel):
    """The first rows of a flow, pipeline by pipeline."""

    pipelines: list[PipelinePreview]


@operation(router, "post", "/configurations/validate", Scope.READ, answers={200: Verdict}, problems=(422,))
def validate_configuration(request: HttpRequest, candidate: Candidate) -> HttpResponse:
    """Check a configuration as saving it would; nothing is saved, connected to or read."""
    errors = [
        PartAtFault(path=".".join(map(str, fault.path)), message=fault.message)
        for fault in faults_of(candidate.record())
    ]
    return answer(Verdict(valid=not errors, errors=errors))


@operation(router, "post", "/configurations/preview", Scope.WRITE, answers={200: FlowPreview}, problems=(409, 422))
def preview_configuration(request: HttpRequest, candidate: PreviewedCandidate) -> HttpResponse:
    """The first rows that a flow would write: its source is read and its transforms run; nothing is written.

    After ten seconds no more is read; `timed_out` says so.
    """
    record = candidate.record()
    validate(record)
    return answer(_preview(load(record), candidate.rows))


@operation(router, "post", "/flows/{name}/preview", Scope.READ, answers={200: FlowPreview}, problems=(404, 409, 422))
def preview_flow(request: HttpRequest, name: FlowPath, wanted: PreviewRequest | None = None) -> HttpResponse:
    """The first rows that a flow would write; nothing is written, no position moves.

    After ten seconds no more is read; `timed_out` says so.
    """
    return answer(_preview(load(find_flow(name)), (wanted or PreviewRequest()).rows))


def _preview(flow: FlowItself, rows: int) -> FlowPreview:
    try:
        return FlowPreview(pipelines=[PipelinePreview.of(found) for found in preview(flow, rows, seconds=_LONGEST)])
    except ActiveDataFlowError:
        raise
    except Exception as error:  # the flow's own code may raise anything
        raise conflict("failed", f"{type(error).__name__}: {shown(error)}") from error


def _plain(record: Any) -> Any:
    return record if isinstance(record, str) else dict(record)


__all__ = ["router"]
