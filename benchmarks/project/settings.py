"""A Django project with the made table as a model; BENCHMARK_URL says where."""

import os
from urllib.parse import urlsplit

_place = urlsplit(os.environ["BENCHMARK_URL"])
SECRET_KEY = "of a benchmark"
USE_TZ = False
TIME_ZONE = "UTC"
INSTALLED_APPS = ["benchmarks.project.made"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _place.path[1:],
        "USER": _place.username,
        "HOST": _place.hostname,
        "PORT": _place.port,
    }
}
