"""Django's system checks of the app: what would only be found when a flow is due is said at the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.checks import TAG, known_settings
from active_data_flow.runtimes.heartbeat.database import database, flows
from active_data_flow.runtimes.heartbeat.discovery import discover
from active_data_flow.runtimes.heartbeat.sync import tables_are_there
from active_data_flow.runtimes.job.backends.backend import Backend
from active_data_flow.runtimes.job.settings import make_backend

_HEARTBEAT = "active_data_flow.runtimes.heartbeat"


def register_checks() -> None:
    """Have Django make the checks."""
    register(check_job, TAG)
    register(check_queues_of_code, TAG)
    register(check_queues_of_records, TAG, Tags.database)


def check_job(**_: Any) -> list[CheckMessage]:
    """The options, the backend, and that the app is not alone."""
    if not apps.is_installed(_HEARTBEAT):
        return [Error(f"the job runtime needs {_HEARTBEAT} in INSTALLED_APPS, before itself", id="adf.E104")]
    if known_settings() is None:
        return []
    try:
        return list(make_backend().check())
    except ConfigurationError as error:
        return [Error(error.message, id="adf.E101")]


def check_queues_of_code(**_: Any) -> list[CheckMessage]:
    """The queues of the flows that the apps declare."""
    found = discover().flows.items()
    return list(_unknown((reference, code.queue) for reference, code in found))


def check_queues_of_records(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The queues of the flows in the database; only where Django looks at databases, as ``migrate`` does."""
    if database() not in (databases or ()) or not tables_are_there(database()):
        return []
    return list(_unknown(flows().filter(enabled=True).values_list("name", "queue")))


def _unknown(queues: Iterable[tuple[str, str]]) -> Iterator[CheckMessage]:
    backend = _backend()
    if backend is None:
        return
    for flow, queue in queues:
        try:
            backend.check_queue(queue)
        except ConfigurationError as error:
            hint = "Change the flow's queue, or add this one to the settings; its runs would fail."
            yield Error(f"flow {flow}: {error.message}", hint=hint, id="adf.E103")


def _backend() -> Backend | None:
    """The backend; None where something else is wrong with it, which `check_job` says."""
    try:
        backend = make_backend()
        backend.known_queues()
    except ConfigurationError:
        return None
    return backend


__all__ = ["check_job", "check_queues_of_code", "check_queues_of_records", "register_checks"]
