"""What can be done with a flow: enable, disable, run, pause, resume."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router

from active_data_flow.core.errors import ActiveDataFlowError
from active_data_flow.core.logging import get_logger
from active_data_flow.runtimes.heartbeat import leases
from active_data_flow.runtimes.heartbeat.api.access import note, operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.failures import conflict
from active_data_flow.runtimes.heartbeat.api.flows import find_flow
from active_data_flow.runtimes.heartbeat.api.schemas.flow import Flow
from active_data_flow.runtimes.heartbeat.api.schemas.run import Run
from active_data_flow.runtimes.heartbeat.api.schemas.types import FlowPath
from active_data_flow.runtimes.heartbeat.database import database, runs
from active_data_flow.runtimes.heartbeat.execution import has_workers
from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun, Trigger
from active_data_flow.runtimes.heartbeat.security import RefusedError, Scope
from active_data_flow.runtimes.heartbeat.texts import shown

router = Router()


@operation(router, "post", "/flows/{name}/enable", Scope.RUN, answers={200: Flow}, problems=(404, 422))
def enable_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Have a flow run on its schedule again. What was missed is not made up for."""
    return _switch(request, name, enabled=True)


@operation(router, "post", "/flows/{name}/disable", Scope.RUN, answers={200: Flow}, problems=(404, 422))
def disable_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Take a flow off its schedule; a run that goes on goes on."""
    return _switch(request, name, enabled=False)


@operation(router, "post", "/flows/{name}/run", Scope.RUN, answers={202: Run}, problems=(404, 409, 422))
def run_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Run a flow now, whether or not it is due or enabled: the next heartbeat, or a worker, takes it."""
    return answer(Run.whole(start(request, find_flow(name), Trigger.API)), 202)


@operation(router, "post", "/flows/{name}/pause", Scope.RUN, answers={202: Run}, problems=(404, 409, 422))
def pause_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Pause the flow's run, at its next checkpoint where it is in progress; no other begins until it is resumed."""
    run = _active_run(find_flow(name))
    if not leases.pause(run):
        raise conflict("ended", f"run {run.run_id} has ended meanwhile")
    note(request, "run.paused", f"run {run.run_id}", flow=name)
    return answer(Run.whole(_again(run)), 202)


@operation(router, "post", "/flows/{name}/resume", Scope.RUN, answers={202: Run}, problems=(404, 409, 422))
def resume_flow(request: HttpRequest, name: FlowPath) -> HttpResponse:
    """Let the flow's paused run go on, at the next heartbeat."""
    run = _active_run(find_flow(name))
    if not leases.resume(run):
        raise conflict("not_paused", f"run {run.run_id} of flow {name} is not paused")
    note(request, "run.resumed", f"run {run.run_id}", flow=name)
    return answer(Run.whole(_again(run)), 202)


def start(request: HttpRequest, flow: DataFlow, trigger: Trigger) -> DataFlowRun:
    """Begin a run of a flow, and leave it to whoever executes runs.

    Raises:
        AlreadyRunningError: One goes on.
        RefusedError: The queue can't be reached: 503; the run is there, and a later heartbeat enqueues it.
    """
    run = _trigger(flow, trigger)
    note(request, "run.requested", f"run {run.run_id}", flow=flow.name, trigger=trigger)
    return _again(run)


def _trigger(flow: DataFlow, trigger: Trigger) -> DataFlowRun:
    try:
        return flow.trigger_run(trigger=trigger, wait=has_workers())
    except (ActiveDataFlowError, DatabaseError, InterfaceError):
        raise
    except Exception as error:  # a queue of others may raise anything
        get_logger(flow.name).error("run could not be enqueued", error=shown(error))
        message = "the run is pending, but could not be enqueued; a later heartbeat does that"
        raise RefusedError(503, "queue_unavailable", message) from error


def _switch(request: HttpRequest, name: str, *, enabled: bool) -> HttpResponse:
    with transaction.atomic(using=database()):
        record = find_flow(name, locked=True)
        if record.enabled != enabled:
            record.enabled = enabled
            record.save(using=database(), update_fields=["enabled", "updated_at"])
            note(request, "flow.enabled" if enabled else "flow.disabled", f"flow {name}")
    return answer(Flow.whole(record))


def _active_run(flow: DataFlow) -> DataFlowRun:
    run = runs().filter(flow=flow).active().order_by("-pk").first()
    if run is None:
        raise conflict("not_running", f"no run of flow {flow.name} is pending or in progress")
    return run


def _again(run: DataFlowRun) -> DataFlowRun:
    return runs().select_related("flow").get(pk=run.pk)


__all__ = ["router", "start"]
