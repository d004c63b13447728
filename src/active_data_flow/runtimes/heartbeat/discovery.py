"""The flows that the installed apps have in their ``flows.py``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.loading import import_module
from active_data_flow.core.near_names import near_names

MODULE = "flows"
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
            broken[name] = error
        else:
            flows |= dict(_flows_of(module))
    return Discovered(flows, broken)


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
