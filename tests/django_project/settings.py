"""A Django project for tests; where its data is, the environment tells."""

from __future__ import annotations

import json
import os

from django_project.databases import database_of

SECRET_KEY = "of a test"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = os.environ.get("ADF_TEST_TIME_ZONE", "Europe/Oslo")
ROOT_URLCONF = os.environ.get("ADF_TEST_URLS", "django_project.urls")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "active_data_flow.runtimes.heartbeat",
    "django_tasks_db",
    "django_project.shop",
    *filter(None, os.environ.get("ADF_TEST_APPS", "").split(",")),
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {
    "default": database_of(os.environ.get("ADF_TEST_DATABASE", "sqlite:///:memory:")),
    **{
        alias: database_of(url)
        for alias, _, url in (pair.partition("=") for pair in os.environ.get("ADF_TEST_DATABASES", "").split())
    },
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default", "night"]}}
ACTIVE_DATA_FLOW: dict[str, object] = {
    "FILE_ROOTS": ["/"],
    "MODELS": ["shop.*"],
    **json.loads(os.environ.get("ADF_TEST_SETTINGS", "{}")),
}
