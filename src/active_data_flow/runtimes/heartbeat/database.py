"""Where the app's tables are, and a thread that speaks to them with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Self, TypeVar

from django.db import connections, router

from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun
from active_data_flow.runtimes.heartbeat.models.data_flow import DataFlowQuerySet
from active_data_flow.runtimes.heartbeat.models.data_flow_run import DataFlowRunQuerySet

P = ParamSpec("P")
R = TypeVar("R")


def database() -> str:
    """Alias of the database that holds the app's tables."""
    return router.db_for_write(DataFlow)


def flows() -> DataFlowQuerySet:
    """All flows, in that database."""
    return DataFlow.objects.using(database())


def runs() -> DataFlowRunQuerySet:
    """All runs, in that database."""
    return DataFlowRun.objects.using(database())


def reload(run: DataFlowRun) -> None:
    """Read a run's fields again; its flow stays the object that it is."""
    names = [field.name for field in run._meta.concrete_fields if field.name != "flow"]
    run.refresh_from_db(using=database(), fields=names)


def replace_lost_connection() -> None:
    """Have this thread connect anew if the server has gone away since it was last spoken to."""
    connection = connections[database()]
    if connection.connection is not None and not connection.is_usable():
        connection.close()


class DatabaseThread:
    """Calls functions one after the other in a thread of its own, for as long as runs go on.

    Django gives each thread a connection and closes none of them. The threads of a run come and go, so that all that
    they have to say to the database goes through here.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="adf-database")

    def call(self, function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
        """What the function returns or raises; a connection that was broken before is replaced by a new one."""
        return self._threads.submit(_with_usable_connection, function, *args, **named).result()

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._threads.submit(connections.close_all)
        self._threads.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _with_usable_connection(function: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    connection = connections[database()]
    connection.close_at = None  # ends with the thread: CONN_MAX_AGE is meant for requests, and 0 would end it here
    connection.close_if_unusable_or_obsolete()
    return function(*args, **named)


__all__ = ["DatabaseThread", "database", "flows", "reload", "replace_lost_connection", "runs"]
