"""Django's task framework: Django's own from 6.0 on, before that its backport."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or not find_spec("django.tasks"):
    from django_tasks import task, task_backends
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.backends.dummy import DummyBackend
    from django_tasks.backends.immediate import ImmediateBackend
    from django_tasks.exceptions import TaskException
else:
    from django.tasks import task, task_backends
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.backends.dummy import DummyBackend
    from django.tasks.backends.immediate import ImmediateBackend
    from django.tasks.exceptions import TaskException


def backend_of(alias: str) -> BaseTaskBackend:
    """The backend of an entry in ``TASKS``.

    Raises:
        ImproperlyConfigured: There is none, or it can't be imported.
    """
    found: Any = task_backends[alias]
    return found


__all__ = ["BaseTaskBackend", "DummyBackend", "ImmediateBackend", "TaskException", "backend_of", "task"]
