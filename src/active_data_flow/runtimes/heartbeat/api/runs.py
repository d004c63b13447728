"""Runs: list, show, log, cancel, retry."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.api.access import note, operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.failures import conflict, missing
from active_data_flow.runtimes.heartbeat.api.flow_actions import start
from active_data_flow.runtimes.heartbeat.api.paging import Filters, Page, cut
from active_data_flow.runtimes.heartbeat.api.run_search import RunFilters, find_runs
from active_data_flow.runtimes.heartbeat.api.schemas.run import LogLine, Run, RunItem
from active_data_flow.runtimes.heartbeat.api.schemas.types import RunId
from active_data_flow.runtimes.heartbeat.database import database, flows, runs
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, RunLogLine, Trigger
from active_data_flow.runtimes.heartbeat.security import Scope

router = Router()


class LogFilters(Filters):
    """Parameters of a log."""

    level: Annotated[str | None, Field(pattern="^(debug|info|warning|error)$", description="Lines of this level.")] = (
        None
    )


@operation(router, "get", "/runs", Scope.READ, answers={200: Page[RunItem]}, problems=(422,))
def list_runs(request: HttpRequest, filters: Query[RunFilters]) -> HttpResponse:
    """Runs, newest first.

    Words of an error, reasons, and triggers of a flow are looked for among some thousand runs at a time: a page may
    hold few items or none and still have a `next`.
    """
    flow = None
    if filters.flow is not None:
        flow = flows().filter(name=filters.flow).first()
        if flow is None:
            return answer(Page[RunItem](items=[]))
    found, following = find_runs(filters, flow)
    return answer(Page(items=[RunItem.of(run) for run in found], next=following))


@operation(router, "get", "/runs/{run_id}", Scope.READ, answers={200: Run}, problems=(404, 422))
def show_run(request: HttpRequest, run_id: RunId) -> HttpResponse:
    """A run, whole."""
    return answer(Run.whole(_find(run_id)))


@operation(router, "get", "/runs/{run_id}/log", Scope.READ, answers={200: Page[LogLine]}, problems=(404, 422))
def show_log(request: HttpRequest, run_id: RunId, filters: Query[LogFilters]) -> HttpResponse:
    """The lines of a run's log, oldest first."""
    rows = QuerySet(RunLogLine, using=database()).filter(run=_find(run_id), pk__gt=filters.after).order_by("pk")
    if filters.level is not None:
        rows = rows.filter(level=filters.level)
    found, following = cut(list(rows[: filters.limit + 1]), filters.limit, lambda line: str(line.pk))
    return answer(Page(items=[LogLine.of(line) for line in found], next=following))


@operation(router, "post", "/runs/{run_id}/cancel", Scope.RUN, answers={202: Run}, problems=(404, 409, 422))
def cancel_run(request: HttpRequest, run_id: RunId) -> HttpResponse:
    """Cancel a run: at once where no one works on it, else at its next checkpoint."""
    run = _find(run_id)
    if not leases.cancel(run):
        raise conflict("ended", f"run {run_id} has ended already")
    note(request, "run.cancelled", f"run {run_id}", flow=run.flow.name)
    return answer(Run.whole(_find(run_id)), 202)


@operation(router, "post", "/runs/{run_id}/retry", Scope.RUN, answers={202: Run}, problems=(404, 409, 422))
def retry_run(request: HttpRequest, run_id: RunId) -> HttpResponse:
    """Run the flow of a run that has ended again, from its last checkpoint; the answer is the new run."""
    run = _find(run_id)
    if run.is_active:
        raise conflict("active", f"run {run_id} has not ended yet; cancel it, or wait")
    return answer(Run.whole(start(request, run.flow, Trigger.RETRY)), 202)


def _find(run_id: str) -> DataFlowRun:
    run = runs().filter(run_id=run_id).select_related("flow").first()
    if run is None:
        raise missing("run", run_id)
    return run


__all__ = ["router"]
