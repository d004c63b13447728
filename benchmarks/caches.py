"""Settings of a Django project with one cache, which the variable ``BENCHMARK_REDIS`` puts into a server."""

import os

SECRET_KEY = "of a benchmark"
USE_TZ = True
REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ.get("BENCHMARK_REDIS")}
MEMORY = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10**9}}
CACHES = {"default": REDIS if "BENCHMARK_REDIS" in os.environ else MEMORY}
