"""Sources, sinks, transforms and runtimes by name; found through entry points, imported when asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, cast

from active_data_flow.core.component import Component
from active_data_flow.core.errors import PluginError
from active_data_flow.core.near_names import near_names
from active_data_flow.version import VERSION

Kind = Literal["source", "sink", "transform", "runtime"]
KINDS: tuple[Kind, ...] = ("source", "sink", "transform", "runtime")

_lock = threading.Lock()
_registered: dict[tuple[Kind, str], Any] = {}
_functions: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True, slots=True)
class Registration:
    """An entry of the registry, whether or not it has been imported.

    Attributes:
        kind: Source, sink, transform or runtime.
        name: Registered name.
        origin: Distribution that brings it and its version, or ``registered in code``.
        target: Where the class is.
    """

    kind: Kind
    name: str
    origin: str
    target: str


def register(kind: Kind, name: str, component: Any) -> None:
    """Register a class in code, for this process; packages use the entry points ``active_data_flow.<kind>s``."""
    if isinstance(component, type) and not getattr(component, "type", ""):
        component.type = name  # pyright: ignore[reportAttributeAccessIssue]  # a component, as far as a caller can tell
    with _lock:
        _registered[kind, name] = component


def register_function(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Register a function, so that a document's ``python`` transform may name it; usable as a decorator.

    Example:
        >>> @register_function
        ... def shout(message):
        ...     return message | {"name": message["name"].upper()}
    """
    with _lock:
        _functions[name or function.__name__] = function
    return function


def find_function(name: str) -> Callable[..., Any]:
    """The function registered by a name.

    Raises:
        PluginError: There is none; lists near names.
    """
    try:
        return _functions[name]
    except KeyError:
        near = near_names(name, set(_functions))
        message = f"no function {name!r} is registered{near}; decorate it with @register_function"
        raise PluginError(message) from None


def find(kind: Kind, name: str) -> Any:
    """The class registered by a name.

    Raises:
        PluginError: Unknown name (lists near names and what to install), failed import, or a core version that the
            class doesn't fit.
    """
    component = _registered.get((kind, name))
    if component is None:
        entry = _entries(kind).get(name)
        if entry is None:
            raise PluginError(_unknown(kind, name))
        component = _load(kind, entry)
    _check_version(kind, name, component)
    return component


def build(kind: Kind, document: Mapping[str, Any]) -> Component:
    """A component from its document form, ``{"type": name, option: …}``.

    Raises:
        PluginError: See `find`.
        ConfigurationError: Bad options.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("type"), str):  # pyright: ignore[reportUnnecessaryIsInstance]  # comes from outside
        message = f"a {kind} is a mapping with a type, as {{type: file, …}} (given: {document!r})"
        raise PluginError(message)
    component = find(kind, document["type"])
    return cast("Component", component.build({key: value for key, value in document.items() if key != "type"}))


def registrations() -> list[Registration]:
    """All that `find` finds, by kind and name; nothing is imported."""
    found = {
        (kind, name): Registration(kind, name, _origin(entry), entry.value)
        for kind in KINDS
        for name, entry in _entries(kind).items()
    }
    with _lock:
        for (kind, name), component in _registered.items():
            target = f"{component.__module__}:{component.__qualname__}"
            found[kind, name] = Registration(kind, name, "registered in code", target)
    return sorted(found.values(), key=lambda entry: (KINDS.index(entry.kind), entry.name))


def _entries(kind: Kind) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in _installed().select(group=f"active_data_flow.{kind}s")}


@cache
def _installed() -> Any:
    """All entry points: looking through the installed packages is slow, so it is done once.

    Python 3.11 and 3.12 give them different classes, both with `select`.
    """
    return entry_points()


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"


def _load(kind: Kind, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # a package of others may raise anything while it is imported
        message = f"{kind} {entry.name!r} of {_origin(entry)} can't be imported: {type(error).__name__}: {error}"
        raise PluginError(message + _remedy(entry, error)) from error


def _remedy(entry: EntryPoint, error: Exception) -> str:
    """What installs what a component lacks: the extra that its entry point names."""
    if not isinstance(error, ImportError) or entry.dist is None or not entry.extras:
        return ""
    return f'; pip install "{entry.dist.name}[{",".join(entry.extras)}]"'


def _check_version(kind: Kind, name: str, component: Any) -> None:
    wanted: str = getattr(component, "core_versions", "")
    if not wanted:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(wanted).contains(VERSION, prereleases=True)
    except InvalidSpecifier as error:
        message = f"{kind} {name!r} declares core_versions {wanted!r}, which is not a PEP 440 specifier"
        raise PluginError(message) from error
    if not fits:
        message = f"{kind} {name!r} fits active-data-flow {wanted}, but {VERSION} is installed"
        raise PluginError(message)


def _unknown(kind: Kind, name: str) -> str:
    known = {*_entries(kind), *(known for registered, known in _registered if registered == kind)}
    install = "what another package brings is there after pip install PACKAGE"
    return f"unknown {kind} {name!r}{near_names(name, known)}; {install}"


__all__ = [
    "KINDS",
    "Kind",
    "Registration",
    "build",
    "find",
    "find_function",
    "register",
    "register_function",
    "registrations",
]
