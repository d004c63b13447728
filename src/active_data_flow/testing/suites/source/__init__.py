"""The conformance suite of sources."""

from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.suite import SourceSuite

__all__ = ["SourceHarness", "SourceSuite"]
