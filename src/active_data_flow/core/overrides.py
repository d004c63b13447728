"""Setting single options of a flow from outside, by dotted path: ``source.path``, ``transforms.0.where``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args, get_type_hints

from active_data_flow.core.component import Component
from active_data_flow.core.configuration import Configuration
from active_data_flow.core.data_flow import DataFlow, FlowSettings
from active_data_flow.core.errors import ConfigurationError, PluginError
from active_data_flow.core.near_names import near_names
from active_data_flow.core.registry import KINDS, Kind, build, find

_KINDS: dict[str, Kind] = {name: kind for kind in KINDS for name in (kind, f"{kind}s")}


def override(flow: type[DataFlow] | DataFlow, changes: Mapping[str, Any]) -> DataFlow:
    """A flow of this class, or like this flow, with some options set.

    Args:
        flow: The class, or a flow object, which stays as it is.
        changes: Dotted path -> value. A mapping with a ``type`` in a component's place becomes that component.

    Raises:
        ConfigurationError: A path leads nowhere (names near ones), or a value is not valid.
    """
    names = _option_names(flow if isinstance(flow, type) else type(flow))
    given: dict[str, Any] = {}
    if isinstance(flow, DataFlow):
        given = {name: getattr(flow, name) for name in names}
    for path, value in changes.items():
        head, *rest = path.split(".")
        if head not in names:
            raise ConfigurationError(f"--set {path}: the flow has no {head!r}{near_names(head, names)}")
        old = given.get(head, getattr(flow, head, None))
        new = _replaced(old, rest, value, path)
        kind = _KINDS.get(head)
        given[head] = build(kind, new) if kind is not None and isinstance(new, Mapping) and "type" in new else new
    return flow(**given) if isinstance(flow, type) else type(flow)(**given)


def override_document(document: Mapping[str, Any], changes: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """A copy of a document with some options set.

    Args:
        document: The document, which stays as it is.
        changes: Dotted path -> value.
        keys: Names that may stand at the top.

    Raises:
        ConfigurationError: A path leads nowhere; names near ones. Values are checked when the flow is built.
    """
    known = set(keys)
    result = dict(document)
    for path, value in changes.items():
        head, *rest = path.split(".")
        if head not in known:
            raise ConfigurationError(f"--set {path}: a flow has no {head!r}{near_names(head, known)}")
        result[head] = _replaced(result.get(head), rest, value, path, _options_of(head, result.get(head)))
    return result


def _replaced(old: Any, path: list[str], value: Any, whole: str, known: set[str] | None = None) -> Any:
    """`old` with the value at `path` in it; nothing is changed in place."""
    if not path:
        return value
    if isinstance(old, Configuration):
        return _in_configuration(old, path, value, whole)
    if isinstance(old, list | tuple):
        return _in_list(list(cast("Iterable[Any]", old)), path, value, whole)
    head, *rest = path
    mapping = dict(cast("Mapping[str, Any]", old)) if isinstance(old, Mapping) else {}
    if old is not None and not isinstance(old, Mapping):
        raise ConfigurationError(f"--set {whole}: there is nothing below {_before(whole, path)}, which is {old!r}")
    if known is not None and head not in known:
        raise ConfigurationError(f"--set {whole}: {_before(whole, path)} has no {head!r}{near_names(head, known)}")
    inner = mapping.get(head)
    mapping[head] = _replaced(inner, rest, value, whole, _component_options(_kind_of(whole), inner) if rest else None)
    return mapping


def _in_configuration(old: Configuration, path: list[str], value: Any, whole: str) -> Configuration:
    head, *rest = path
    fields = type(old).model_fields
    if head not in fields:
        raise ConfigurationError(f"--set {whole}: {_before(whole, path)} has no {head!r}{near_names(head, fields)}")
    options = {name: getattr(old, name) for name in old.model_fields_set}
    new = _replaced(getattr(old, head), rest, value, whole)
    return type(old).build(options | {head: new})


def _in_list(old: list[Any], path: list[str], value: Any, whole: str) -> list[Any]:
    head, *rest = path
    if not head.isdecimal() or int(head) >= len(old):
        raise ConfigurationError(
            f"--set {whole}: {_before(whole, path)} has the places 0 to {len(old) - 1}, not {head}"
        )
    inner = old[int(head)]
    new = _replaced(inner, rest, value, whole, _component_options(_kind_of(whole), inner) if rest else None)
    if isinstance(inner, Component) and isinstance(new, Mapping):
        new = build(_kind_of(whole) or "transform", cast("Mapping[str, Any]", new))
    return [*old[: int(head)], new, *old[int(head) + 1 :]]


def _before(whole: str, path: list[str]) -> str:
    return ".".join(whole.split(".")[: -len(path)])


def _kind_of(path: str) -> Kind | None:
    return _KINDS.get(path.split(".", maxsplit=1)[0])


def _options_of(key: str, part: Any) -> set[str] | None:
    """Names that may stand below a key of a document; None where any may."""
    if key in ("source", "sink"):
        return _component_options(key, part)  # pyright: ignore[reportArgumentType]  # both are kinds
    if key in FlowSettings.model_fields:
        annotation = FlowSettings.model_fields[key].annotation
        models = [model for model in (annotation, *get_args(annotation)) if isinstance(model, type)]
        return next((set(model.model_fields) for model in models if issubclass(model, Configuration)), None)
    return None


def _component_options(kind: Kind | None, part: Any) -> set[str] | None:
    """Names of the options of a component in a document; None where they aren't known."""
    if kind is None or not isinstance(part, Mapping):
        return None
    name = cast("Mapping[str, Any]", part).get("type")
    try:
        component = find(kind, str(name))
    except PluginError:
        return None  # building the flow says what is wrong with the type
    fields = getattr(component, "model_fields", None)
    return None if fields is None else {*fields, "type"}


def _option_names(flow: type[DataFlow]) -> set[str]:
    """What can be set on a flow class by name: settings, components and options of its own."""
    return {name for name in get_type_hints(flow) if not name.startswith("_")} - {"reference", "settings"}


__all__ = ["override", "override_document"]
