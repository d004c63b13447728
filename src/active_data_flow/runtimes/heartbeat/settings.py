"""The app's one Django setting, ``ACTIVE_DATA_FLOW``: its keys are the fields below in capitals."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, cast

from django.conf import settings
from django.core.signals import setting_changed
from pydantic import AfterValidator, Field

from active_data_flow.core.configuration import Configuration, Secret
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.near_names import near_names
from active_data_flow.core.policies import Bytes, Seconds

NAME = "ACTIVE_DATA_FLOW"


def _network(text: str) -> str:
    return str(ip_network(text))


def _folder(path: str) -> str:
    if not Path(path).is_absolute():
        raise ValueError("is the whole path of a folder")
    return path


class HeartbeatSettings(Configuration):
    """What can be set in ``ACTIVE_DATA_FLOW = {…}``.

    Example:
        >>> ACTIVE_DATA_FLOW = {"BUDGET": "15s", "ALLOWED_NETWORKS": ["10.0.0.0/8"]}
    """

    label: ClassVar[str] = NAME

    budget: Seconds = 20.0
    """Time that one heartbeat may take; what is not done then goes on at the next."""
    max_flows: int = Field(default=100, ge=1)
    """Flows that one heartbeat triggers at most."""
    lease: Seconds = Field(default=60.0, gt=0)
    """How long a run is believed to be alive without a sign of it; then it is lost, and its flow due again."""
    run_timeout: Seconds = Field(default=6 * 3600.0, gt=0)
    """How long a run may work in one go before it is given up as hanging."""
    log_lines: int = Field(default=1000, ge=1)
    """Log lines that are kept of each run."""
    keep_heartbeats: Seconds = 7 * 86_400.0
    """How long the record of a heartbeat is kept."""
    keep_runs: Seconds = 90 * 86_400.0
    """How long the record of a run that has ended is kept, with its log."""
    token: Secret | None = None
    """Token that heartbeat requests carry, as ``env:NAME``; others are made and rotated in the database."""
    allowed_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Networks that requests may come from, as ``10.0.0.0/8``; none: any."""
    trusted_proxies: int = Field(default=0, ge=0, le=16)
    """Proxies before the server, each of which adds an address to X-Forwarded-For; 0: the header is not looked at."""
    endpoint: str = Field(default="heartbeat", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")
    """Path of the heartbeat, below where the app's URLs are included."""
    rate_limit: int = Field(default=120, ge=1)
    """Requests a minute that each token may send."""
    max_body: Bytes = 2**20
    """The largest body of a request."""
    env_prefixes: tuple[Annotated[str, Field(min_length=1)], ...] = ("ADF_",)
    """What the names of environment variables begin with that records of flows may refer to."""
    file_roots: tuple[Annotated[str, AfterValidator(_folder)], ...] = ()
    """Folders below which records of flows may name files; none: they may name no files."""
    models: tuple[Annotated[str, Field(pattern=r"^\w+\.(\w+|\*)$")], ...] = ()
    """Models that records of flows may name, as ``shop.Price`` or ``shop.*``; none: they may name none."""
    url_schemes: tuple[str, ...] = ("https", "postgresql", "postgres", "mysql", "mariadb")
    """Kinds of addresses that records of flows may name."""
    private_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Networks that are not public, and that addresses in records of flows may lead to all the same."""
    admin_edits: bool = False
    """Whether Django's admin may change flows, by those who have the permission; else it only shows them."""
    job: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Options of the job runtime, where it is installed."""


@cache
def app_settings() -> HeartbeatSettings:
    """The settings, validated; read anew after Django's ``setting_changed``.

    Raises:
        ConfigurationError: A key is unknown (names near ones) or a value is not valid.
    """
    return read_settings(HeartbeatSettings, getattr(settings, NAME, {}), NAME)


Settings = TypeVar("Settings", bound=Configuration)


def read_settings(model: type[Settings], given: Any, name: str) -> Settings:
    """Options whose keys are written in capitals, as in Django's own settings.

    Raises:
        ConfigurationError: A key is unknown (names near ones) or a value is not valid.
    """
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{name} is a mapping of names to values (given: {given!r})")
    options = cast("Mapping[str, Any]", given)
    known = [key.upper() for key in model.model_fields]
    for key in options:
        if key not in known:
            raise ConfigurationError(f"{name}: unknown key {key!r}{near_names(str(key), known)}")
    return model.build({key.lower(): value for key, value in options.items()})


def _forget(*, setting: str, **_: Any) -> None:
    if setting == NAME:
        app_settings.cache_clear()


setting_changed.connect(_forget)

__all__ = ["NAME", "HeartbeatSettings", "app_settings", "read_settings"]
