"""URLs of the API; the app's own include them below ``api/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from active_data_flow.runtimes.heartbeat.api.door import door, not_found
from active_data_flow.runtimes.heartbeat.api.ninja_api import make_api
from active_data_flow.runtimes.heartbeat.api.openapi import NAME, openapi_of


def api_urls() -> list[URLPattern | URLResolver]:
    """The URLs of a new API object, each behind the door; whatever else is asked for is answered there too."""
    api = make_api()
    patterns: list[URLPattern | URLResolver] = api.urls[0]
    for pattern in patterns:
        assert isinstance(pattern, URLPattern)
        pattern.callback = door(pattern.callback)
    return [
        path("", (patterns, "active_data_flow_api", "active_data_flow_api")),
        path(NAME, door(openapi_of(api)), name="openapi"),
        re_path("", door(not_found)),
    ]


urlpatterns = api_urls()
