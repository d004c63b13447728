"""For tests of flows and connectors: conformance suites, a scripted source, sinks in memory, a clock of their own.

Names are imported when they are first used: the suites need pytest and hypothesis (``active-data-flow[testing]``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from active_data_flow.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from active_data_flow.testing.clock import FakeClock
    from active_data_flow.testing.flow_test import FlowTestResult, RejectedRecord
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
    from active_data_flow.testing.suites.source import SourceHarness, SourceSuite

_HOMES = {
    "FakeClock": "clock",
    "FlowTestResult": "flow_test",
    "MemorySink": "places",
    "Place": "places",
    "Refusal": "suites.sink_harness",
    "RejectedRecord": "flow_test",
    "RuntimeHarness": "suites.runtime_harness",
    "RuntimeSuite": "suites.runtime",
    "ScriptedSource": "scripted",
    "SinkHarness": "suites.sink_harness",
    "SinkSuite": "suites.sink",
    "SourceHarness": "suites.source",
    "SourceSuite": "suites.source",
    "TransactionalMemorySink": "places",
    "TwoPhaseMemorySink": "places",
    "place": "places",
    "read_as": "suites.sink_harness",
}


__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "FakeClock",
    "FlowTestResult",
    "MemorySink",
    "Place",
    "Refusal",
    "RejectedRecord",
    "RuntimeHarness",
    "RuntimeSuite",
    "ScriptedSource",
    "SinkHarness",
    "SinkSuite",
    "SourceHarness",
    "SourceSuite",
    "TransactionalMemorySink",
    "TwoPhaseMemorySink",
    "place",
    "read_as",
]
