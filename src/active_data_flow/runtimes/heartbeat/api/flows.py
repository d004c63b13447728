"""Flows: list, create, show, change, delete."""

from __future__ import annotations

from typing import Annotated

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from active_data_flow.runtimes.heartbeat.api.access import note, operation
from active_data_flow.runtimes.heartbeat.api.answers import answer, no_content
from active_data_flow.runtimes.heartbeat.api.failures import conflict, missing
from active_data_flow.runtimes.heartbeat.api.paging import Filters, Page, cut
from active_data_flow.runtimes.heartbeat.api.schemas.flow import Flow, FlowChange, FlowItem, NewFlow, version_of
from active_data_flow.runtimes.heartbeat.api.schemas.types import FlowPath, Switch
from active_data_flow.runtimes.heartbeat.api.validation import validate
from active_data_flow.runtimes.heartbeat.database import database, flows
from active_data_flow.runtimes.heartbeat.models import DataFlow, RunStatus
from active_data_flow.runtimes.heartbeat.security import Scope

router = Router()


class FlowFilters(Filters):
    """Parameters of the list of flows."""

    cursor: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$", description="The `next` of the page before.")
    ] = None
    name: Annotated[str | None, Field(max_length=128, description="A part of its name.")] = None
    enabled: Switch | None = None
    busy: Switch | None = None
    last_status: RunStatus | None = None


@operation(router, "get", "/flows", Scope.READ, answers={200: Page[FlowItem]}, problems=(422,))
def list_flows(request: HttpRequest, filters: Query[FlowFilters]) -> HttpResponse:
    """Flows by name."""
    rows = flows().order_by("name")
    for field in ("enabled", "busy", "last_status"):
        value = getattr(filters, field)
        if value is not None:
            rows = rows.filter(**{field: value})
    if filters.name is not None:
        rows = rows.filter(name__icontains=filters.name)
    if filters.cursor is not None:
        rows = rows.filter(name__gt=filters.cursor)
    found, following = cut(list(rows[: filters.limit + 1]), filters.limit, lambda flow: flow.name)
    return answer(Page(items=[FlowItem.of(flow) for flow in found], next=following))


@operation(router, "post", "/flows", Scope.WRITE, answers={201: Flow}, problems=(409, 422))
def create_flow(request: HttpRequest, flow: NewFlow) -> HttpResponse:
    """Create a flow, as a record of its own or of the code of an installed app."""
    record = DataFlow(**flow.model_dump())
    validate(record)
    try:
        with transaction.atomic(using=database()):
            record.save(using=database(), force_insert=True)
            note(request, "flow.created", f"flow {record.name}", configuration=record.configuration)
    except IntegrityError as error:
        raise conflict("name_taken", f"there is a flow {record.name!r} already") from error
    return answer(Flow.whole(find_flow(record.name)), 201, Location=f"{request.path.rstrip('/')}/{record.name}")


@operation(router, "get", "/flows/{name}", Scope.READ, answers={200: Flow}, problems=(404, 422))
def show_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """A flow with its configuration."""
    return answer(Flow.whole(find_flow(name)))


@operation(router, "patch", "/flows/{name}", Scope.WRITE, answers={200: Flow}, problems=(404, 409, 422))
def change_flow(request: HttpRequest, name: FlowPath, change: FlowChange) -> HttpResponse:
    """Change a flow; the next run uses it. Refused where someone else has changed it meanwhile."""
    values = change.model_dump(exclude_unset=True, exclude_none=True, exclude={"version"})
    with transaction.atomic(using=database()):
        record = find_flow(name, locked=True)
        if version_of(record) != change.version:
            message = f"flow {name} is now at version {version_of(record)}; get it again and repeat the change"
            raise conflict("version_outdated", message)
        before = {field: getattr(record, field) for field in values}
        for field, value in values.items():
            setattr(record, field, value)
        if "configuration" in values:
            validate(record)
        record.save(using=database())
        note(request, "flow.changed", f"flow {name}", before=before, after=values)
    return answer(Flow.whole(find_flow(name)))


@operation(router, "delete", "/flows/{name}", Scope.WRITE, answers={204: None}, problems=(404, 409, 422))
def delete_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Delete a flow with its runs and their logs. Its positions and rejected records stay, under its name."""
    with transaction.atomic(using=database()):
        record = find_flow(name, locked=True)
        if record.busy:
            raise conflict("busy", f"a run of flow {name} is pending or in progress; cancel it, then delete the flow")
        record.delete(using=database())
        note(request, "flow.deleted", f"flow {name}", configuration=record.configuration)
    return no_content()


def find_flow(name: str, *, locked: bool = False) -> DataFlow:
    """The flow of a name.

    Raises:
        RefusedError: There is none: 404.
    """
    rows = flows().select_for_update() if locked else flows()
    record = rows.filter(name=name).first()
    if record is None or record.name != name:  # some databases take no notice of case
        raise missing("flow", name)
    return record


__all__ = ["find_flow", "router"]
