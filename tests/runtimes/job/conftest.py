"""Django, with the job runtime's executor in the place of the heartbeat's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from django_project.fixtures import Database, database, migrated_databases, sqlite_database
from django_project.setup import app_settings_of

__all__ = ["database", "migrated_databases", "sqlite_database"]


@pytest.fixture
def enqueuing(sqlite_database: Database) -> Iterator[Database]:
    """An empty database, and runs that are enqueued with Django's task framework."""
    from active_data_flow.runtimes.heartbeat.execution import HereExecutor, use_executor
    from active_data_flow.runtimes.job.executor import QueueExecutor

    use_executor(QueueExecutor)
    with app_settings_of(LEASE=2):
        yield sqlite_database
    use_executor(HereExecutor)
