"""The OpenAPI document of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router

from active_data_flow.runtimes.heartbeat.security.admission import admit_address

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.api.ninja_api import Api

NAME = "openapi.json"


def router_of(api: Api) -> Router:
    """A router that serves the API's document; it says nothing of the project, so that it takes no token."""
    router = Router()

    @router.get(f"/{NAME}", include_in_schema=False)
    def show_openapi(request: HttpRequest) -> HttpResponse:
        admit_address(request)
        prefix = request.path.removesuffix(NAME)  # wherever the project has put the URLs
        return JsonResponse(api.get_openapi_schema(path_prefix=prefix))

    return router


__all__ = ["router_of"]
