"""How far a flow has read: show, reset, rewind."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from active_data_flow.core.near_names import near_names
from active_data_flow.engine.pipeline import Pipeline, pipelines_of
from active_data_flow.engine.rewind import rewind
from active_data_flow.runtimes.heartbeat.api.access import note, operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.failures import conflict
from active_data_flow.runtimes.heartbeat.api.flows import find_flow
from active_data_flow.runtimes.heartbeat.api.paging import Filters, cut
from active_data_flow.runtimes.heartbeat.api.schemas.checkpoint import (
    Checkpoint,
    PipelineItem,
    Reset,
    Rewind,
    SetBack,
    Split,
)
from active_data_flow.runtimes.heartbeat.api.schemas.types import FlowPath
from active_data_flow.runtimes.heartbeat.claiming import claim
from active_data_flow.runtimes.heartbeat.database import DatabaseThread, database
from active_data_flow.runtimes.heartbeat.loading import load
from active_data_flow.runtimes.heartbeat.models import CheckpointSplit, DataFlow, Trigger
from active_data_flow.runtimes.heartbeat.models import Pipeline as PipelineRecord
from active_data_flow.runtimes.heartbeat.security import Scope
from active_data_flow.runtimes.heartbeat.store import DjangoStore
from active_data_flow.runtimes.heartbeat.working import hold

router = Router()
_PATH = "/flows/{name}/checkpoint"


class SplitFilters(Filters):
    """Parameters of a checkpoint."""

    pipeline: Annotated[str | None, Field(max_length=255, description="Of this pipeline only.")] = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A flow that no run can begin of, as a run of ours goes on."""

    run_id: str
    store: DjangoStore
    pipelines: dict[str, Pipeline]

    def pipeline(self, name: str) -> Pipeline:
        if name not in self.pipelines:
            raise conflict("pipeline_unknown", f"there is no pipeline {name!r}{near_names(name, self.pipelines)}")
        return self.pipelines[name]


@operation(router, "get", _PATH, Scope.READ, answers={200: Checkpoint}, problems=(404, 422))
def show_checkpoint(request: HttpRequest, name: FlowPath, filters: Query[SplitFilters]) -> HttpResponse:
    """The positions of a flow's splits, as they were last committed."""
    find_flow(name)
    pipelines = list(PipelineRecord.objects.using(database()).filter(flow_name=name).order_by("name"))
    if filters.pipeline is not None:
        pipelines = [pipeline for pipeline in pipelines if pipeline.name == filters.pipeline]
    rows = (
        QuerySet(CheckpointSplit, using=database()).filter(pipeline__in=pipelines, pk__gt=filters.after).order_by("pk")
    )
    splits = list(rows.select_related("pipeline")[: filters.limit + 1])
    found, following = cut(splits, filters.limit, lambda row: str(row.pk))
    return answer(
        Checkpoint(
            pipelines=[PipelineItem.of(pipeline) for pipeline in pipelines],
            items=[Split.of(row) for row in found],
            next=following,
        )
    )


@operation(router, "post", f"{_PATH}/reset", Scope.WRITE, answers={200: SetBack}, problems=(404, 409, 422))
def reset_checkpoint(request: HttpRequest, name: FlowPath, reset: Reset | None = None) -> HttpResponse:
    """Forget positions, in the sinks too: the next run reads everything again. What is written stays."""
    with _held(find_flow(name)) as held:
        wanted = None if reset is None else reset.pipeline
        names = list(held.pipelines) if wanted is None else [wanted]
        for pipeline in [held.pipeline(each) for each in names]:
            pipeline.sink.reset(pipeline.name)
            held.store.reset(pipeline.name)
    note(request, "checkpoint.reset", f"flow {name}", pipelines=names, run_id=held.run_id)
    return answer(SetBack(run_id=held.run_id, pipelines=names))


@operation(router, "post", f"{_PATH}/rewind", Scope.WRITE, answers={200: SetBack}, problems=(404, 409, 422))
def rewind_checkpoint(request: HttpRequest, name: FlowPath, wanted: Rewind) -> HttpResponse:
    """Have the next run go on from other positions, in the sink too. What is written stays.

    A position has the form that the checkpoint shows; one that the source can't use fails the next run.
    """
    with _held(find_flow(name)) as held:
        before = rewind(held.pipeline(wanted.pipeline), held.store, wanted.positions)
    positions = {split: state.position for split, state in before.items()}
    note(
        request,
        "checkpoint.rewound",
        f"flow {name}",
        pipeline=wanted.pipeline,
        before=positions,
        after=wanted.positions,
        run_id=held.run_id,
    )
    return answer(SetBack(run_id=held.run_id, pipelines=[wanted.pipeline]))


@contextmanager
def _held(record: DataFlow) -> Generator[_Held]:
    pipelines = {pipeline.name: pipeline for pipeline in pipelines_of(load(record))}
    with DatabaseThread() as thread:
        run = thread.call(claim, record, Trigger.API, None)
        with hold(run, thread):
            yield _Held(run.run_id, DjangoStore(thread, run), pipelines)


__all__ = ["router"]
