"""Strikes flows with crashes, and compares what is in the sink with what was in the source, record by record.

`CrashSuite` is the whole of it as pytest tests, for any flow: subclass it. The fixture ``crash_kit`` gives a `CrashKit`
for tests of your own; `Proxy` cuts connections, `compare` finds what is missing, doubled or changed.
Needs pytest: ``pip install "active-data-flow[testing]"``.
"""

from active_data_flow.testing.crash.comparison import Comparison, compare
from active_data_flow.testing.crash.fork_server import Child, ForkServer
from active_data_flow.testing.crash.kit import CrashKit, World
from active_data_flow.testing.crash.proxy import Cut, Proxy
from active_data_flow.testing.crash.suite import CrashSuite, cuts_at

__all__ = [
    "Child",
    "Comparison",
    "CrashKit",
    "CrashSuite",
    "Cut",
    "ForkServer",
    "Proxy",
    "World",
    "compare",
    "cuts_at",
]
