"""Django in the process of the tests: set up once, then given one database after the other."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


def set_up_django() -> None:
    """Set Django up for this project; does nothing the second time."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "django_project.settings"
    import django

    django.setup()


def use_databases(**urls: str) -> None:
    """Have Django use other databases from now on, in all threads that begin; `default` is one of them."""
    from django.conf import settings
    from django.db import connections

    from django_project.databases import database_of

    for alias in list(connections):
        connections[alias].close()
        del connections[alias]
    settings.DATABASES = {alias: database_of(url) for alias, url in urls.items()}
    connections.__dict__.pop("settings", None)
    connections._settings = None


def close_connections() -> None:
    """Close what this thread has open."""
    from django.db import connections

    connections.close_all()


def migrate(database: str = "default") -> None:
    """Make all tables."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False, run_syncdb=True, database=database)


def empty(database: str = "default") -> None:
    """Delete all rows of this project's models, but none that Django's own apps have made."""
    from django.apps import apps
    from django.db import connections

    connection = connections[database]
    kept = {"contenttypes", "auth"}
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.app_label not in kept]
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(map(connection.ops.quote_name, tables))} CASCADE")
            return
        for table in tables:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


@contextmanager
def app_settings_of(**options: Any) -> Generator[None]:
    """The setting ACTIVE_DATA_FLOW with these keys too, for a while."""
    from django.conf import settings
    from django.test import override_settings

    with override_settings(ACTIVE_DATA_FLOW=settings.ACTIVE_DATA_FLOW | options):
        yield
