"""The project's pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("adf/", include("active_data_flow.runtimes.heartbeat.urls")),
]
