"""The OpenAPI document of the API."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse

from active_data_flow.runtimes.heartbeat.api.ninja_api import Api
from active_data_flow.runtimes.heartbeat.security.admission import admit_address

NAME = "openapi.json"


def openapi_of(api: Api) -> Callable[[HttpRequest], HttpResponse]:
    """A view of the API's document; that says nothing of the project, so that it takes no token."""

    def show_openapi(request: HttpRequest) -> HttpResponse:
        admit_address(request)
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        prefix = request.path.removesuffix(NAME)  # wherever the project has put the URLs
        return JsonResponse(api.get_openapi_schema(path_prefix=prefix))

    return show_openapi


__all__ = ["NAME", "openapi_of"]
