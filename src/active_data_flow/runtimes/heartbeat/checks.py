"""What ``manage.py check`` says about the project, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings as project
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own name
from django.db import DatabaseError

from active_data_flow.core.data_flow import DataFlow as Flow
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.near_names import near_names
from active_data_flow.engine.static_check import check_columns
from active_data_flow.runtimes.heartbeat.database import database, flows
from active_data_flow.runtimes.heartbeat.discovery import Discovered, discover
from active_data_flow.runtimes.heartbeat.loading import build_flow, load
from active_data_flow.runtimes.heartbeat.models import ApiToken
from active_data_flow.runtimes.heartbeat.settings import NAME, HeartbeatSettings, app_settings
from active_data_flow.runtimes.heartbeat.sync import tables_are_there

TAG = "active_data_flow"
_SHORTEST = 32


def register_checks() -> None:
    """Have ``manage.py check`` call the checks of this module."""
    for check in (check_settings, check_sqlite, check_proxies, check_code):
        checks.register(check, TAG)
    checks.register(check_records, TAG, checks.Tags.database)


def known_settings() -> HeartbeatSettings | None:
    """The settings; None where they are not valid, which adf.E001 tells."""
    try:
        return app_settings()
    except ConfigurationError:
        return None


def check_settings(**_: Any) -> list[CheckMessage]:
    """The setting is valid, and what it refers to is there."""
    try:
        settings = app_settings()
    except ConfigurationError as error:
        return [Error(error.message, hint=f"Mend {NAME} in the settings.", id="adf.E001")]
    return [*_check_token(settings), *_check_roots(settings), *_check_models(settings), *_check_zone()]


def _check_token(settings: HeartbeatSettings) -> Iterator[CheckMessage]:
    if settings.token is None:
        return
    try:
        token = settings.token.resolve()
    except ConfigurationError as error:
        hint = "Set it where the web server runs, or take TOKEN out and use manage.py adf_token create."
        yield Error(error.message, hint=hint, id="adf.E002")
        return
    if len(token) < _SHORTEST:
        hint = 'Take a random one: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        yield Warning(f"{settings.token} is shorter than {_SHORTEST} characters", hint=hint, id="adf.W006")


def _check_roots(settings: HeartbeatSettings) -> Iterator[CheckMessage]:
    for root in settings.file_roots:
        if not Path(root).is_dir():
            message = f"FILE_ROOTS: there is no folder {root}"
            yield Warning(message, hint="Make it, or take it out.", id="adf.W004")


def _check_models(settings: HeartbeatSettings) -> Iterator[CheckMessage]:
    known = {model._meta.label.lower() for model in apps.get_models()}  # public, for all its name
    known |= {f"{label.partition('.')[0]}.*" for label in known}
    for name in settings.models:
        if name.lower() not in known:
            message = f"MODELS: there is no {name}{near_names(name.lower(), known)}"
            yield Warning(message, hint="Mend it, or take it out.", id="adf.W007")


def _check_zone() -> Iterator[CheckMessage]:
    if not project.USE_TZ:
        message = "USE_TZ is False: schedules and leases need moments that mean the same in every process"
        yield Error(message, hint="Set USE_TZ = True, Django's default.", id="adf.E007")


def check_sqlite(**_: Any) -> list[CheckMessage]:
    """SQLite begins its transactions by taking the lock, so that heartbeats at once wait for each other."""
    alias = database()
    options = project.DATABASES.get(alias, {})
    if not str(options.get("ENGINE", "")).endswith("sqlite3"):
        return []
    if options.get("OPTIONS", {}).get("transaction_mode", "").upper() in ("IMMEDIATE", "EXCLUSIVE"):
        return []
    message = f"database {alias!r} is SQLite without immediate transactions: heartbeats at once fail as locked"
    hint = (
        'Set DATABASES["' + alias + '"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20, '
        '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"}'
    )
    return [Warning(message, hint=hint, id="adf.W002")]


def check_proxies(**_: Any) -> list[CheckMessage]:
    """The allow-list is asked about the senders' addresses, not about that of a proxy."""
    settings = known_settings()
    if settings is None or not settings.allowed_networks or settings.trusted_proxies:
        return []
    if not (project.SECURE_PROXY_SSL_HEADER or project.USE_X_FORWARDED_HOST or project.USE_X_FORWARDED_PORT):
        return []
    message = "the project is behind a proxy, but TRUSTED_PROXIES is 0: ALLOWED_NETWORKS sees the proxy's address only"
    hint = "Set TRUSTED_PROXIES to the number of proxies that each add an address to X-Forwarded-For."
    return [Warning(message, hint=hint, id="adf.W003")]


def check_code(**_: Any) -> list[CheckMessage]:
    """All flows of the apps can be imported and made, and fit the project's models."""
    if known_settings() is None:
        return []
    found = discover()
    broken = [Error(error.message, hint="Mend the module.", id="adf.E003") for error in found.broken.values()]
    return [*broken, *(message for reference in found.flows for message in _check_flow_of_code(reference, found))]


def _check_flow_of_code(reference: str, found: Discovered) -> list[CheckMessage]:
    try:
        flow = made_flow(reference, found)
    except ActiveDataFlowError as error:
        return [Error(f"{reference}: {error.message}", hint="Mend the flow's options.", id="adf.E004")]
    return _check_fit(reference, flow)


def _check_fit(place: str, flow: Flow) -> list[CheckMessage]:
    """What of the flow does not fit the project any more, as the models that it reads and writes."""
    hint = "Change the flow, or the model and its migrations."
    return [
        Error(f"{place}: {problem.component}: {problem.text}", hint=hint, id="adf.E005")
        for problem in check_columns(flow)
    ]


def made_flow(reference: str, found: Discovered) -> Flow:
    """The flow of the code alone.

    Raises:
        ActiveDataFlowError: It can't be made.
    """
    code = found.find(reference)
    return build_flow(code.name if isinstance(code, Flow) else code.name or code.__name__, reference, {}, found)


def check_records(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """There is a token, and the flows of the records can be made; asked of the database only where that is wanted."""
    settings = known_settings()
    if settings is None or database() not in (databases or ()):
        return []
    try:
        if not tables_are_there(database()):
            return []
        return [*_check_any_token(settings), *_check_each_record()]
    except DatabaseError:
        return []  # Django itself tells about a database that can't be used


def _check_any_token(settings: HeartbeatSettings) -> Iterator[CheckMessage]:
    if settings.token is None and not ApiToken.objects.using(database()).filter(enabled=True).exists():
        hint = "manage.py adf_token create pinger, or set TOKEN; manage.py adf_heartbeat needs none."
        yield Warning("there is no token: no one can send heartbeats by HTTP", hint=hint, id="adf.W001")


def _check_each_record() -> Iterator[CheckMessage]:
    found = discover()
    for record in flows().filter(enabled=True).order_by("name"):
        if record.code_missing:
            hint = "Put the code back, or disable or delete the record."
            yield Warning(f"flow {record.name}: its code, {record.reference}, is gone", hint=hint, id="adf.W005")
            continue
        try:
            flow = load(record, found)
        except ActiveDataFlowError as error:
            hint = "Mend its configuration, or disable it."
            yield Error(f"flow {record.name}: {error.message}", hint=hint, id="adf.E006")
        else:
            yield from _check_fit(f"flow {record.name}", flow)


__all__ = ["known_settings", "made_flow", "register_checks"]
