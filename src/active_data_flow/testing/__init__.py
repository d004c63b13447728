"""For tests of flows and connectors: a scripted source, sinks in memory, a clock that takes no time."""

from active_data_flow.testing.clock import FakeClock
from active_data_flow.testing.flow_test import FlowTestResult, RejectedRecord
from active_data_flow.testing.places import MemorySink, Place, TransactionalMemorySink, TwoPhaseMemorySink, place
from active_data_flow.testing.scripted import ScriptedSource

__all__ = [
    "FakeClock",
    "FlowTestResult",
    "MemorySink",
    "Place",
    "RejectedRecord",
    "ScriptedSource",
    "TransactionalMemorySink",
    "TwoPhaseMemorySink",
    "place",
]
