"""The app's URLs; a project includes them: ``path("adf/", include("active_data_flow.runtimes.heartbeat.urls"))``."""

from __future__ import annotations

from django.urls import include, path, re_path

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings, app_settings
from active_data_flow.runtimes.heartbeat.views import health, heartbeat

app_name = "active_data_flow"


def _endpoint() -> str:
    try:
        return app_settings().endpoint
    except ConfigurationError:  # manage.py check tells about it, which it can't where the URLs can't be imported
        return HeartbeatSettings().endpoint


# with or without a slash at the end: pingers do not follow redirects of a POST
urlpatterns = [
    re_path(rf"^{_endpoint()}/?$", heartbeat, name="heartbeat"),
    re_path(r"^health/?$", health, name="health"),
    path("api/", include("active_data_flow.runtimes.heartbeat.api.urls")),
]
