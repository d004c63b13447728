"""Connectors that are installed, and their options."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router
from pydantic import BaseModel, Field

from active_data_flow.core.catalogue import describe
from active_data_flow.core.registry import Registration, registrations
from active_data_flow.runtimes.heartbeat.api.access import operation
from active_data_flow.runtimes.heartbeat.api.answers import answer
from active_data_flow.runtimes.heartbeat.api.failures import missing
from active_data_flow.runtimes.heartbeat.security import Scope

router = Router()
KindPath = Path[Literal["source", "sink", "transform", "runtime"]]
NamePath = Path[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$", description="Registered name.")]]


class Connector(BaseModel):
    """What is installed."""

    kind: Annotated[str, Field(description="`source`, `sink`, `transform` or `runtime`.")]
    name: str
    origin: Annotated[str, Field(description="The package that brings it.")]
    version: str | None
    summary: str
    capabilities: list[str]
    core_versions: str
    error: Annotated[str | None, Field(description="Why it can't be used, where it can't.")]


class Connectors(BaseModel):
    """All that are installed."""

    items: list[Connector]


class Option(BaseModel):
    """An option of a connector."""

    name: str
    type: str
    required: bool
    default: str
    text: str


class ConnectorWithOptions(Connector):
    """What is installed, with its options."""

    options: list[Option]
    json_schema: Annotated[dict[str, Any] | None, Field(description="JSON schema of the options.")]


@operation(router, "get", "/connectors", Scope.READ, answers={200: Connectors})
def list_connectors(request: HttpRequest) -> HttpResponse:
    """Sources, sinks, transforms and runtimes."""
    return answer(Connectors(items=[_connector(entry) for entry in registrations()]))


@operation(
    router,
    "get",
    "/connectors/{kind}/{name}",
    Scope.READ,
    answers={200: ConnectorWithOptions},
    problems=(404, 422),
)
def show_connector(request: HttpRequest, kind: KindPath, name: NamePath) -> HttpResponse:
    """One of them, with the JSON schema of its options."""
    for entry in registrations():
        if (entry.kind, entry.name) == (kind, name):
            return answer(_with_options(entry))
    raise missing(kind, name)


def _connector(entry: Registration) -> Connector:
    found = describe(entry)
    return Connector(**{name: found[name] for name in Connector.model_fields})


def _with_options(entry: Registration) -> ConnectorWithOptions:
    found = describe(entry, schema=True)
    found |= {"options": found.get("options", []), "json_schema": found.get("schema")}
    return ConnectorWithOptions(**{name: found[name] for name in ConnectorWithOptions.model_fields})


__all__ = ["router"]
