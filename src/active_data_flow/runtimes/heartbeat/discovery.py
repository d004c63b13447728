"""The flows that the installed apps have in their ``flows.py``."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import AppConfig, apps
from django.utils.module_loading import module_has_submodule

from active_data_flow.core import loading
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError
from active_data_flow.core.loading import import_module
from active_data_flow.core.near_names import near_names

MODULE = "flows"
_MACHINERY = frozenset({importlib.__file__, loading.__file__})
Code = type[DataFlow] | DataFlow


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found.

    Attributes:
        flows: Class, or flow object, by its reference, as ``shop.flows:PriceSync``.
        broken: Why a module can't be imported, by its name; its flows are not among the others.
    """

    flows: Mapping[str, Code] = field(default_factory=dict[str, Code])
    broken: Mapping[str, ConfigurationError] = field(default_factory=dict[str, ConfigurationError])

    def find(self, reference: str) -> Code:
        """The flow of a reference. Nothing is imported: what is stored names one of those that the apps declare.

        Raises:
            ConfigurationError: There is none (any more), or its module can't be imported.
        """
        if reference in self.flows:
            return self.flows[reference]
        module = reference.partition(":")[0]
        if module in self.broken:
            raise self.broken[module]
        near = near_names(reference, self.flows.keys())
        message = f"no installed app has the flow {reference}{near}; put it back, or delete or disable its record"
        raise ConfigurationError(message)


def discover() -> Discovered:
    """All flows of the installed apps. One app whose module is broken costs the others nothing."""
    flows: dict[str, Code] = {}
    broken: dict[str, ConfigurationError] = {}
    for config in apps.get_app_configs():
        if config.module is None or not module_has_submodule(config.module, MODULE):
            continue
        name = f"{config.name}.{MODULE}"
        try:
            module = import_module(name)
        except ConfigurationError as error:
            broken[name] = _located(config, error)
        else:
            flows |= dict(_flows_of(module))
    return Discovered(flows, broken)


def _located(config: AppConfig, error: ConfigurationError) -> ConfigurationError:
    """The error with the app, the file and the line that it comes from."""
    cause = error.__cause__
    if cause is None:
        return error
    if isinstance(cause, SyntaxError) and cause.filename:
        place = f"{cause.filename}, line {cause.lineno}"
    else:
        place = _last_line_in(Path(config.path), cause) or MODULE
    text = cause.message if isinstance(cause, ActiveDataFlowError) else f"{type(cause).__name__}: {cause}"
    located = ConfigurationError(f"app {config.label}: {place}: {text}; its flows do not run until that is mended")
    located.__cause__ = cause
    return located


def _last_line_in(folder: Path, error: BaseException) -> str:
    """The last line of the app that the error passed through; else the last one of all that is no machinery."""
    lines = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename not in _MACHINERY
    ]
    own = [line for line in lines if Path(line[0]).is_relative_to(folder)]
    return next((f"{name}, line {number}" for name, number in reversed(own or lines)), "")


def _flows_of(module: ModuleType) -> Iterator[tuple[str, Code]]:
    """The flows that a module, or one inside it, defines; classes that have no source yet are there to build on."""
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        if isinstance(value, DataFlow) or _is_complete_class_of(module, value):
            yield f"{module.__name__}:{name}", value


def _is_complete_class_of(module: ModuleType, value: Any) -> bool:
    if not (isinstance(value, type) and issubclass(value, DataFlow)):
        return False
    inside = value.__module__ == module.__name__ or value.__module__.startswith(f"{module.__name__}.")
    return inside and (value.source is not None or bool(value.sources))


__all__ = ["Code", "Discovered", "discover"]
