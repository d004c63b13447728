"""Finds runs among millions in little time, whatever is asked for.

A list is a walk through an index by id, newest first. What no index knows (words of an error, a reason) is looked for
among so many runs at a time: a page may then hold few items or none, and still have a next one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from active_data_flow.runtimes.heartbeat.api.paging import Filters
from active_data_flow.runtimes.heartbeat.api.schemas.types import FlowName, Moment
from active_data_flow.runtimes.heartbeat.database import runs
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, FailureReason, RunStatus, Trigger
from active_data_flow.runtimes.heartbeat.models.data_flow_run import DataFlowRunQuerySet

LOOKED_THROUGH = 2_000
"""Runs that are looked through for one page."""
_DISORDER = 200
"""Runs begun at the same time may have ids in another order; no more than so many are."""


class RunFilters(Filters):
    """Parameters of the list of runs."""

    flow: FlowName | None = None
    status: RunStatus | None = None
    reason: Annotated[FailureReason | None, Field(description="Why it failed.")] = None
    trigger: Trigger | None = None
    since: Annotated[Moment | None, Field(description="Created then or later.")] = None
    until: Annotated[Moment | None, Field(description="Created before then.")] = None
    error: Annotated[
        str | None, Field(min_length=1, max_length=200, description="A part of the error; of failed runs only.")
    ] = None


def find_runs(filters: RunFilters, flow: DataFlow | None) -> tuple[list[DataFlowRun], str | None]:
    """A page of runs, newest first, with their flows, and the cursor of the next page."""
    walked = _walked(filters, flow)
    rest = _rest(filters)
    end = _end(walked) if rest else 0
    page = walked.filter(pk__gte=end, **rest).select_related("flow").defer("traceback", "result")
    found = list(page.order_by("-pk")[: filters.limit + 1])
    if len(found) > filters.limit:
        return found[: filters.limit], str(found[filters.limit - 1].pk)
    return found, str(end) if end else None


def _walked(filters: RunFilters, flow: DataFlow | None) -> DataFlowRunQuerySet:
    """Those that an index gives in the order of their ids."""
    rows = runs().filter(pk__lt=filters.before)
    status = RunStatus.FAILED if filters.error or filters.reason else filters.status
    for name, value in (("flow", flow), ("status", status)):
        if value is not None:
            rows = rows.filter(**{name: value})
    if filters.trigger is not None and flow is None and status is None:
        rows = rows.filter(trigger=filters.trigger)
    return _between(rows, filters.since, filters.until)


def _between(rows: DataFlowRunQuerySet, since: datetime | None, until: datetime | None) -> DataFlowRunQuerySet:
    """Ids grow as time does: times become bounds of the walk, and are compared all the same."""
    if since is not None:
        first = list(
            runs().filter(created_at__gte=since).order_by("created_at").values_list("pk", flat=True)[:_DISORDER]
        )
        rows = rows.filter(created_at__gte=since, pk__gte=min(first)) if first else rows.none()
    if until is not None:
        last = list(
            runs().filter(created_at__lt=until).order_by("-created_at").values_list("pk", flat=True)[:_DISORDER]
        )
        rows = rows.filter(created_at__lt=until, pk__lte=max(last)) if last else rows.none()
    return rows


def _rest(filters: RunFilters) -> dict[str, Any]:
    """What has to be looked for among them."""
    rest = {"reason": filters.reason, "error__icontains": filters.error}
    if filters.flow is not None or filters.status is not None or filters.error or filters.reason:
        rest["trigger"] = filters.trigger
    if (filters.error or filters.reason) and filters.status is not None:
        rest["status"] = filters.status
    return {name: value for name, value in rest.items() if value is not None}


def _end(walked: DataFlowRunQuerySet) -> int:
    """Id of the last run that is looked at for this page; 0 where all are."""
    behind = walked.order_by("-pk").values_list("pk", flat=True)[LOOKED_THROUGH - 1 : LOOKED_THROUGH + 1]
    last = list(behind)
    return last[0] if len(last) > 1 else 0


__all__ = ["RunFilters", "find_runs"]
