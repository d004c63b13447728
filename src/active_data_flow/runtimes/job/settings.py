"""The app's options: the key ``JOB`` of the setting ``ACTIVE_DATA_FLOW``, its own keys in capitals."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.module_loading import import_string
from pydantic import Field

from active_data_flow.core.configuration import Configuration
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import Seconds
from active_data_flow.runtimes.heartbeat.settings import app_settings, read_settings
from active_data_flow.runtimes.job.backends.backend import Backend

_OURS = {
    "tasks": "active_data_flow.runtimes.job.backends.tasks.TasksBackend",
    "rq": "active_data_flow.runtimes.job.backends.rq.RqBackend",
    "celery": "active_data_flow.runtimes.job.backends.celery.CeleryBackend",
}
_SHARE = 0.9


class JobSettings(Configuration):
    """What can be set in ``ACTIVE_DATA_FLOW = {"JOB": {…}}``.

    Example:
        >>> ACTIVE_DATA_FLOW = {"JOB": {"BACKEND": "rq", "OPTIONS": {"url": "redis://localhost:6379/0"}}}
    """

    label: ClassVar[str] = "ACTIVE_DATA_FLOW JOB"

    backend: str = "tasks"
    """Queue: ``tasks`` (Django's task framework), ``rq``, ``celery``, or the path of a class of your own."""
    options: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Options of the backend."""
    handover: Seconds = Field(default=300.0, gt=0)
    """How long a run waits for a worker before a heartbeat enqueues it once more."""
    budget: Seconds = Field(default=3600.0, gt=0)
    """How long a worker works on a run in one go; then others get their turn, and it goes on from its checkpoint."""


def job_settings() -> JobSettings:
    """The options, validated.

    Raises:
        ConfigurationError: A key is unknown or a value is not valid.
    """
    return read_settings(JobSettings, app_settings().job, JobSettings.label)


def make_backend() -> Backend:
    """The queue that is set.

    Raises:
        ConfigurationError: There is no such backend, or its options are not valid.
    """
    settings = job_settings()
    path = _OURS.get(settings.backend, settings.backend)
    if "." not in path:
        message = f"{JobSettings.label}: there is no backend {settings.backend!r}; there are {', '.join(_OURS)}"
        raise ConfigurationError(message)
    try:
        found: Any = import_string(path)
    except ImportError as error:
        message = f"{JobSettings.label}: the backend {settings.backend} can't be imported: {error}"
        raise ConfigurationError(message) from error
    if not (isinstance(found, type) and issubclass(found, Backend)):
        raise ConfigurationError(f"{JobSettings.label}: {path} is no Backend")
    return found.build(settings.options)


def time_of_one_go() -> float:
    """Seconds that a worker works on a run: safely before the setting ``RUN_TIMEOUT`` would give it up as hanging."""
    return min(job_settings().budget, _SHARE * app_settings().run_timeout)


__all__ = ["JobSettings", "job_settings", "make_backend", "time_of_one_go"]
