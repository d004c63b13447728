"""Rejected records of a flow: list, groups, show, replay, discard."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from active_data_flow.engine.replay import replay
from active_data_flow.runtimes.heartbeat import rejects
from active_data_flow.runtimes.heartbeat.api.access import note, operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.failures import conflict, missing
from active_data_flow.runtimes.heartbeat.api.flows import find_flow
from active_data_flow.runtimes.heartbeat.api.paging import Filters, Page, cut
from active_data_flow.runtimes.heartbeat.api.schemas.reject import (
    Chosen,
    Discarded,
    Reject,
    RejectGroup,
    RejectGroups,
    Replayed,
)
from active_data_flow.runtimes.heartbeat.api.schemas.types import FlowPath, RecordId
from active_data_flow.runtimes.heartbeat.database import DatabaseThread, database
from active_data_flow.runtimes.heartbeat.loading import load
from active_data_flow.runtimes.heartbeat.models import Pipeline, RejectedRecord, RejectStatus
from active_data_flow.runtimes.heartbeat.security import Scope
from active_data_flow.runtimes.heartbeat.store import DjangoStore

router = Router()


class RejectFilters(Filters):
    """Parameters of the list of rejected records."""

    status: RejectStatus = RejectStatus.OPEN


@operation(router, "get", "/flows/{name}/rejects", Scope.READ, answers={200: Page[Reject]}, problems=(404, 422))
def list_rejects(request: HttpRequest, name: FlowPath, filters: Query[RejectFilters]) -> HttpResponse:
    """Rejected records of a flow, newest first."""
    find_flow(name)
    found, following = cut(_newest(name, filters), filters.limit, lambda row: str(row.pk))
    return answer(Page(items=[Reject.of(row) for row in found], next=following))


@operation(router, "get", "/flows/{name}/rejects/groups", Scope.READ, answers={200: RejectGroups}, problems=(404, 422))
def group_rejects(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Open rejected records of a flow, counted by kind of error."""
    find_flow(name)
    return answer(RejectGroups(items=[RejectGroup.of(group) for group in rejects.groups(name)]))


@operation(
    router, "get", "/flows/{name}/rejects/{int:record_id}", Scope.READ, answers={200: Reject}, problems=(404, 422)
)
def show_reject(request: HttpRequest, name: FlowPath, record_id: RecordId) -> HttpResponse:
    """A rejected record, whole."""
    find_flow(name)
    row = rejects.of_flow(name).filter(pk=record_id).select_related("pipeline").first()
    if row is None:
        raise missing(f"rejected record of flow {name} with the number", record_id)
    return answer(Reject.of(row))


@operation(router, "post", "/flows/{name}/rejects/replay", Scope.RUN, answers={200: Replayed}, problems=(404, 409, 422))
def replay_rejects(request: HttpRequest, name: FlowPath, chosen: Chosen | None = None) -> HttpResponse:
    """Run open rejected records through the flow again, each from the step that it was rejected in.

    At most 10,000 at a time.
    """
    record = find_flow(name)
    ids = _open(name, chosen)
    flow = load(record)
    with DatabaseThread() as thread:
        result = replay(flow, DjangoStore(thread), ids)
    note(request, "rejects.replayed", f"flow {name}", run_id=result.run_id, ids=ids, records=result.records_read)
    return answer(Replayed.of(result))


@operation(
    router, "post", "/flows/{name}/rejects/discard", Scope.RUN, answers={200: Discarded}, problems=(404, 409, 422)
)
def discard_rejects(request: HttpRequest, name: FlowPath, chosen: Chosen | None = None) -> HttpResponse:
    """Give open rejected records up; they can't be replayed any more."""
    find_flow(name)
    ids = _open(name, chosen)
    records = rejects.mark(name, RejectStatus.DISCARDED.value, ids)
    note(request, "rejects.discarded", f"flow {name}", ids=ids, records=records)
    return answer(Discarded(records=records))


def _open(name: str, chosen: Chosen | None) -> Sequence[int] | None:
    """The chosen ids, all of which are open; None: all that are.

    Raises:
        RefusedError: One is not open, or none are: 409.
    """
    rows = rejects.of_flow(name).filter(status=RejectStatus.OPEN).order_by()
    ids = None if chosen is None else chosen.ids
    if ids is None:
        if not rows.exists():
            raise conflict("nothing_open", f"flow {name} has no open rejected records")
        return None
    lacking = set(ids) - set(rows.filter(pk__in=ids).values_list("pk", flat=True))
    if lacking:
        shown = ", ".join(map(str, sorted(lacking)[:20]))
        raise conflict("not_open", f"flow {name} has no open rejected record {shown}")
    return ids


def _newest(name: str, filters: RejectFilters) -> list[RejectedRecord]:
    """One more than the page holds, pipeline by pipeline: the index knows the order within each."""
    found: list[RejectedRecord] = []
    for pipeline in Pipeline.objects.using(database()).filter(flow_name=name):
        rows = QuerySet(RejectedRecord, using=database()).filter(pipeline=pipeline, status=filters.status)
        newest = rows.filter(pk__lt=filters.before).order_by("-pk")[: filters.limit + 1]
        found.extend(newest.select_related("pipeline"))
    return sorted(found, key=lambda row: -row.pk)[: filters.limit + 1]


__all__ = ["router"]
