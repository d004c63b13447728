"""For tests of flows and connectors: conformance suites, a scripted source, sinks in memory.

Names are imported when they are first used: the suites need pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from active_data_flow.testing.places import (
        MemorySink,
        Place,
        TransactionalMemorySink,
        TwoPhaseMemorySink,
        place,
    )
    from active_data_flow.testing.scripted import ScriptedSource
    from active_data_flow.testing.suites.runtime import RuntimeSuite
    from active_data_flow.testing.suites.runtime_harness import RuntimeHarness
    from active_data_flow.testing.suites.sink import SinkSuite
    from active_data_flow.testing.suites.sink_harness import Refusal, SinkHarness, read_as

_HOMES = {
    "MemorySink": "places",
    "Place": "places",
    "Refusal": "suites.sink_harness",
    "RuntimeHarness": "suites.runtime_harness",
    "RuntimeSuite": "suites.runtime",
    "ScriptedSource": "scripted",
    "SinkHarness": "suites.sink_harness",
    "SinkSuite": "suites.sink",
    "TransactionalMemorySink": "places",
    "TwoPhaseMemorySink": "places",
    "place": "places",
    "read_as": "suites.sink_harness",
}


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message) from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "MemorySink",
    "Place",
    "Refusal",
    "RuntimeHarness",
    "RuntimeSuite",
    "ScriptedSource",
    "SinkHarness",
    "SinkSuite",
    "TransactionalMemorySink",
    "TwoPhaseMemorySink",
    "place",
    "read_as",
]
