"""All checks of a record's configuration, before the flow is built and after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from active_data_flow.core.component import Component
from active_data_flow.core.configuration import describe
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ConfigurationError, Fault
from active_data_flow.core.transform import Transform
from active_data_flow.runtimes.heartbeat.configuration_checks.addresses import check_url, looks_like_url
from active_data_flow.runtimes.heartbeat.configuration_checks.code import check_format
from active_data_flow.runtimes.heartbeat.configuration_checks.files import check_file
from active_data_flow.runtimes.heartbeat.configuration_checks.models import check_model
from active_data_flow.runtimes.heartbeat.configuration_checks.secrets import check_reference, check_secret
from active_data_flow.runtimes.heartbeat.security.json_bodies import JsonError, refuse_nul
from active_data_flow.runtimes.heartbeat.settings import HeartbeatSettings, app_settings

Path = tuple[str | int, ...]


def check_configuration(name: str, configuration: Mapping[str, Any]) -> None:
    """Check what stands in a record, before anything is built of it.

    Args:
        name: Name of the flow, for errors.
        configuration: The whole document, or what differs from the code.

    Raises:
        ConfigurationError: A secret stands in clear, a reference or an address is not allowed, a format runs code, or
            a text holds what no database can; all faults, each with its path.
    """
    try:
        refuse_nul(configuration)
    except JsonError as error:
        raise ConfigurationError(f"flow {name}: the configuration: {error}") from error
    settings = app_settings()
    faults = [fault for path, text in _texts(configuration) for fault in _faults(path, text, settings)]
    _raise(name, faults)


def check_flow(name: str, flow: DataFlow, code: DataFlow | type[DataFlow] | None = None) -> None:
    """Check what was built of a record.

    Args:
        name: Name of the flow, for errors.
        flow: The flow as the record makes it.
        code: The flow's code, where it has any: files and models that it names are the developer's own choice.

    Raises:
        ConfigurationError: It names files or models that are not allowed, or a function that is not registered.
    """
    settings = app_settings()
    own = [] if code is None else [part for _, part in _components(code)]
    own_files = {file for part in own for file in part.local_files()}
    own_models = {model for part in own for model in part.project_models()}
    faults: list[Fault] = []
    for path, component in _components(flow):
        for file in {*component.local_files()} - own_files:
            faults += _fault_of(path, lambda file=file: check_file(file, settings.file_roots))
        for model in {*component.project_models()} - own_models:
            faults += _fault_of(path, lambda model=model: check_model(model, settings.models))
        if isinstance(component, Transform) and component.python_code:
            faults += _fault_of(path, component.check)
    _raise(name, faults)


def _faults(path: Path, text: str, settings: HeartbeatSettings) -> list[Fault]:
    secret = _fault_of(path, lambda: check_secret(path, text))
    if secret:
        return secret  # no name server needs to hear of it
    faults = _fault_of(path, lambda: check_reference(text, settings.env_prefixes))
    faults += _fault_of(path, lambda: check_format(path, text))
    if looks_like_url(text):
        faults += _fault_of(path, lambda: check_url(text, settings))
    return faults


def _fault_of(path: Path, check: Callable[[], object]) -> list[Fault]:
    try:
        check()
    except ConfigurationError as error:
        return list(error.below(*path).faults)
    return []


def _raise(name: str, faults: list[Fault]) -> None:
    if faults:
        raise ConfigurationError(describe(faults, f"flow {name}"), faults=faults)


def _texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(cast("list[Any]", value)):
            yield from _texts(inner, (*path, number))


def _components(flow: DataFlow | type[DataFlow]) -> Iterator[tuple[Path, Component]]:
    for kind, one, several in (("source", flow.source, flow.sources), ("sink", flow.sink, flow.sinks)):
        if one is not None:
            yield (kind,), one
        for key, part in several.items():
            yield (f"{kind}s", key), part
    for number, transform in enumerate(flow.transforms):
        yield ("transforms", number), transform


__all__ = ["check_configuration", "check_flow"]
