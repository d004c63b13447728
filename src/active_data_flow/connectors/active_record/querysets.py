"""Querysets that documents may name: functions that the project registers in code, never import paths."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from active_data_flow.core.errors import PluginError
from active_data_flow.core.near_names import near_names

_lock = threading.Lock()
_functions: dict[str, Callable[..., Any]] = {}


def register_queryset(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Register a function that gives a queryset, so that a source may name it; usable as a decorator.

    The function gets the source's `parameters` by name. In a project it belongs into a module ``flows`` of an app,
    which is imported when the name is looked for.

    Example:
        >>> @register_queryset
        ... def dear_prices(at_least=100):
        ...     return Price.objects.filter(price__gte=at_least)
        >>> ActiveRecordSource(model="shop.Price", queryset="dear_prices", parameters={"at_least": 500})
    """
    with _lock:
        _functions[name or function.__name__] = function
    return function


def find_queryset(name: str) -> Callable[..., Any]:
    """The function registered by a name.

    Raises:
        PluginError: There is none; lists near names.
    """
    found = _functions.get(name)
    if found is None:
        near = near_names(name, set(_functions))
        remedy = "decorate its function with @register_queryset in the module flows of an app"
        message = f"no queryset {name!r} is registered{near}; {remedy}"
        raise PluginError(message)
    return found


__all__ = ["find_queryset", "register_queryset"]
