"""The shop's pages; the heartbeat is at /adf/heartbeat."""

from django.contrib import admin
from django.urls import include, path

from shop.views import price

urlpatterns = [
    path("admin/", admin.site.urls),
    path("adf/", include("active_data_flow.runtimes.heartbeat.urls")),
    path("prices/<str:sku>", price),
]
