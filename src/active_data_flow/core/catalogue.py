"""What is installed, described for programs."""

from __future__ import annotations

from typing import Any

from active_data_flow.core.errors import PluginError
from active_data_flow.core.options import json_schema, options_of
from active_data_flow.core.registry import Registration, find


def describe(entry: Registration, *, schema: bool = False) -> dict[str, Any]:
    """One component as a JSON-safe mapping.

    Args:
        entry: Its entry in the registry.
        schema: Whether to add its options and their JSON schema.

    Returns:
        What it is; why, where it can't be imported, as ``error``.
    """
    component, problem = load(entry)
    package, _, version = entry.origin.rpartition(" ")
    known = package != "" and version[:1].isdecimal()
    described: dict[str, Any] = {
        "kind": entry.kind,
        "name": entry.name,
        "origin": package if known else entry.origin,
        "version": version if known else None,
        "target": entry.target,
        "capabilities": sorted(getattr(component, "capabilities", ())),
        "core_versions": getattr(component, "core_versions", ""),
        "summary": first_line(component) if component is not None else "",
        "error": problem or None,
    }
    if schema and component is not None:
        described["options"] = [option._asdict() for option in options_of(component)]
        described["schema"] = json_schema(component)
    return described


def load(entry: Registration) -> tuple[Any, str]:
    """The class, or why it can't be had."""
    try:
        return find(entry.kind, entry.name), ""
    except PluginError as error:
        return None, error.message


def first_line(component: Any) -> str:
    """What a component is, in a line."""
    return (component.__doc__ or "").strip().split("\n")[0]


__all__ = ["describe", "first_line", "load"]
