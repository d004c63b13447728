"""Has the user's Django project ready for components that work inside one; imports Django when it is called."""

from __future__ import annotations

import os

from active_data_flow.core.errors import ConfigurationError, PluginError

_VARIABLE = "DJANGO_SETTINGS_MODULE"


def set_up_django(component: str) -> None:
    """Return when models, caches and databases of the project can be used; at once where Django is running already.

    In a process of our own (``adf run``) the project is that of the environment variable ``DJANGO_SETTINGS_MODULE``.

    Args:
        component: What needs it, for errors, as ``cache sink``.

    Raises:
        PluginError: Django is not installed.
        ConfigurationError: No project is named, or it can't be set up.

    Example:
        >>> set_up_django("cache sink")
        Traceback (most recent call last):
        ...
        active_data_flow.core.errors.ConfigurationError: the cache sink works inside a Django project, ...
    """
    try:
        import django
        from django.apps import apps
        from django.conf import settings
    except ImportError as error:
        raise PluginError(f'the {component} needs Django; pip install "active-data-flow[django]"') from error
    if apps.models_ready:
        return
    named = os.environ.get(_VARIABLE)
    if not settings.configured and not named:
        message = (
            f"the {component} works inside a Django project, and none is named here; "
            f"set {_VARIABLE} to the project's settings, as {_VARIABLE}=shop.settings adf run …"
        )
        raise ConfigurationError(message)
    try:
        django.setup()
    except Exception as error:  # settings and apps are the user's own code, which may raise anything
        message = (
            f"the {component} can't set up the Django project of {_VARIABLE}={named}: {type(error).__name__}: {error}; "
            "is its folder the working directory, or on PYTHONPATH?"
        )
        raise ConfigurationError(message) from error


__all__ = ["set_up_django"]
