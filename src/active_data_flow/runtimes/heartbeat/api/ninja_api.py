"""The API object that the resources are put together in."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from active_data_flow.runtimes.heartbeat.api import (
    audit,
    checkpoints,
    configurations,
    connectors,
    flow_actions,
    flows,
    health,
    metrics,
    rejects,
    runs,
)
from active_data_flow.runtimes.heartbeat.api.access import Token
from active_data_flow.runtimes.heartbeat.api.failures import add_handlers
from active_data_flow.runtimes.heartbeat.security.json_bodies import parse_json, read_body
from active_data_flow.runtimes.heartbeat.security.problems import CONTENT_TYPE
from active_data_flow.version import VERSION

_DESCRIPTION = (
    "Flows, runs, rejected records and checkpoints of ActiveDataFlow. Each request carries a token with the scope that"
    " the operation asks for: `Authorization: Bearer adf_…`. Lists are read on with the `next` of the page before."
    " Errors have one shape, `Problem`."
)
_RESOURCES = {
    "flows": (flows, flow_actions),
    "configurations": (configurations,),
    "runs": (runs,),
    "rejects": (rejects,),
    "checkpoints": (checkpoints,),
    "connectors": (connectors,),
    "monitoring": (health, metrics),
    "audit": (audit,),
}


class _StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return parse_json(read_body(request))


class Api(NinjaAPI):
    """django-ninja's, with problems and scopes as they are in the OpenAPI document."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The OpenAPI document."""
        schema = super().get_openapi_schema(**options)
        for path in schema["paths"].values():
            for operation in path.values():
                _name_problems(operation["responses"])
                _name_scopes(operation)
        return schema

    def get_openapi_operation_id(self, operation: Any) -> str:
        """The name of the operation's function."""
        return operation.view_func.__name__

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """The response that is filled in; its type says no charset, as JSON is UTF-8 by definition."""
        return HttpResponse(content_type="application/json")


def make_api() -> Api:
    """A new API object: URLs may be loaded several times in a process, as tests do."""
    api = Api(
        title="ActiveDataFlow",
        version=VERSION,
        description=_DESCRIPTION,
        openapi_url=None,  # `openapi` serves it, whatever namespaces the URLs are included under
        docs_url=None,
        urls_namespace="active_data_flow_api",
        parser=_StrictParser(),
    )
    for tag, modules in _RESOURCES.items():
        for module in modules:
            api.add_router("", module.router, tags=[tag])
    add_handlers(api)
    return api


def _name_problems(responses: dict[int, Any]) -> None:
    for status, response in responses.items():
        if status >= 400:
            response["content"] = {CONTENT_TYPE: response["content"]["application/json"]}


def _name_scopes(operation: dict[str, Any]) -> None:
    scope = operation.pop("x-scope", None)
    if scope is not None:
        operation["security"] = [{Token.__name__: [scope]}]
        operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`.".strip()


__all__ = ["Api", "make_api"]
