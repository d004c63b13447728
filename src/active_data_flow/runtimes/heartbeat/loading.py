"""From a record to the flow that it stands for: the code with what the record changes, or the document alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.documents import Document
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.loading import load_document
from active_data_flow.core.overrides import override
from active_data_flow.core.registry import Kind, build
from active_data_flow.runtimes.heartbeat.configuration_checks import check_configuration, check_flow
from active_data_flow.runtimes.heartbeat.discovery import Code, Discovered, discover

if TYPE_CHECKING:
    from active_data_flow.runtimes.heartbeat.models import DataFlow as Record

_KINDS: dict[str, Kind] = {"source": "source", "sources": "source", "sink": "sink", "sinks": "sink"}


def load(record: Record, discovered: Discovered | None = None) -> DataFlow:
    """The flow of a record, as its next run uses it.

    Args:
        record: The record, saved or not.
        discovered: The flows of the apps; default: looked for.

    Raises:
        ConfigurationError: The code is not there any more or is broken, or the configuration is not valid.
    """
    return build_flow(record.name, record.reference, record.configuration, discovered)


def build_flow(
    name: str, reference: str, configuration: Mapping[str, Any], discovered: Discovered | None = None
) -> DataFlow:
    """The flow of a name with a configuration: of code (`reference`) what differs, else the whole document.

    What differs is written as in a document: ``{"source": {"path": "new.csv"}, "schedule": {"every": "10m"}}``. A
    component without a ``type`` keeps the options that aren't named; with one, it replaces that of the code.

    Raises:
        ConfigurationError: See `load`.

    Example:
        >>> build_flow("price_sync", "shop.flows:PriceSync", {"schedule": {"every": "10m"}}).schedule.describe()
        'every 10 min'
    """
    if not isinstance(configuration, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # comes from outside
        raise ConfigurationError(f"flow {name}: the configuration is a mapping (given: {configuration!r})")
    check_configuration(name, configuration)
    if configuration.get("name", name) != name:
        raise ConfigurationError(f"flow {name}: the configuration has another name, {configuration['name']!r}")
    found = discovered or discover()  # what apps have registered may be named
    if not reference:
        flow = load_document(Document(f"flow {name}", {**configuration, "name": name}))
        check_flow(name, flow)
        return flow
    code = found.find(reference)
    flow = _changed(code, {**configuration, "name": name})
    check_flow(name, flow, code)
    flow.reference = reference
    return flow


def _changed(code: Code, configuration: Mapping[str, Any]) -> DataFlow:
    try:
        return override(code, dict(_changes(configuration)))
    except ActiveDataFlowError as error:
        message = error.message.removeprefix("--set ")  # it is no option of a command here
        raise ConfigurationError(message, **error.context) from error
    except Exception as error:  # the flow's class is the user's own code
        message = f"flow {configuration['name']} can't be made: {type(error).__name__}: {error}"
        raise ConfigurationError(message) from error


def _changes(configuration: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted path -> value, as `override` takes them."""
    for key, value in configuration.items():
        kind = _KINDS.get(key)
        if key == "transforms":
            yield key, [build("transform", part) for part in _list(value)]
        elif kind is None:
            yield key, value
        elif key.endswith("s"):
            for name, part in _mapping(key, value).items():
                yield from _of_component(f"{key}.{name}", kind, part)
        else:
            yield from _of_component(key, kind, value)


def _of_component(path: str, kind: Kind, value: Any) -> Iterator[tuple[str, Any]]:
    options = _mapping(path, value)
    if "type" in options:
        yield path, build(kind, options)
        return
    for name, option in options.items():
        yield f"{path}.{name}", option


def _mapping(path: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{path}: is a mapping of options (given: {value!r})")
    return cast("Mapping[str, Any]", value)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ConfigurationError(f"transforms: is a list (given: {value!r})")
    return cast("Sequence[Any]", value)


__all__ = ["build_flow", "load"]
