"""For tests of flows and connectors: a scripted source, sinks in memory."""

from active_data_flow.testing.places import MemorySink, Place, TransactionalMemorySink, TwoPhaseMemorySink, place
from active_data_flow.testing.scripted import ScriptedSource

__all__ = [
    "MemorySink",
    "Place",
    "ScriptedSource",
    "TransactionalMemorySink",
    "TwoPhaseMemorySink",
    "place",
]
