"""The project: its models and databases, by the names that documents hold."""

from __future__ import annotations

from typing import Any, Literal, cast

from active_data_flow.connectors.sql.client import DialectName
from active_data_flow.core.django_setup import set_up_django
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names

VENDORS: dict[str, DialectName] = {"postgresql": "postgresql", "sqlite": "sqlite", "mysql": "mysql"}


def model_named(label: str) -> Any:
    """The model ``app.Model``.

    Raises:
        ConfigurationError: There is none; suggests near names.
    """
    set_up_django("active_record connector")
    from django.apps import apps

    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        known = {model._meta.label for model in apps.get_models()}  # Django's public name for it
        message = f"there is no model {label}{near_names(label, known)}; its app has to be in INSTALLED_APPS"
        raise ConfigurationError(message, connector="active_record") from None


def alias_for(model: Any, database: str | None, side: Literal["read", "write"]) -> str:
    """The database of a model: the one that is asked for, else the routers'.

    Raises:
        ConfigurationError: There is none of that name.
    """
    from django.db import connections, router

    routed = router.db_for_write(model) if side == "write" else router.db_for_read(model)
    alias = database or cast("str", routed)
    if alias not in connections.settings:
        near = near_names(alias, set(connections.settings))
        message = f"settings.DATABASES has no database {alias!r}{near}"
        raise ConfigurationError(message, connector="active_record")
    return alias


def dialect_name(alias: str) -> DialectName:
    """Which SQL a database speaks; it is not connected to.

    Raises:
        ConfigurationError: None that is known here.
    """
    from django.db import connections

    vendor = connections[alias].vendor
    if vendor not in VENDORS:
        message = f"database {alias!r} is {vendor}; active_record knows PostgreSQL, SQLite, MySQL and MariaDB"
        raise ConfigurationError(message, connector="active_record")
    return VENDORS[vendor]


def time_zones(alias: str) -> tuple[str | None, str]:
    """Zone of moments without one in data (None: the project has no zones), and that of a database's own values."""
    from django.conf import settings
    from django.db import connections

    project: str = settings.TIME_ZONE
    if not settings.USE_TZ:
        return None, project
    wrapper: Any = connections[alias]
    return project, wrapper.timezone_name


__all__ = ["VENDORS", "alias_for", "dialect_name", "model_named", "time_zones"]
