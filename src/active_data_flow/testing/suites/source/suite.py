"""All cases of sources in one class."""

from __future__ import annotations

from active_data_flow.testing.suites.source.configuration import ConfigurationCases
from active_data_flow.testing.suites.source.flows import FlowCases
from active_data_flow.testing.suites.source.reading import ReadingCases
from active_data_flow.testing.suites.source.resuming import ResumingCases
from active_data_flow.testing.suites.source.values import ValueCases


class SourceSuite(ReadingCases, ResumingCases, ValueCases, FlowCases, ConfigurationCases):
    """What every source promises, as tests: subclass it, say what the source can do, and give a fixture ``harness``.

    Capabilities:
        bounded: It ends by itself.
        endless: It can wait at its end for more.
        splittable: It is read in several splits, where the store has several parts.
        resumable: A split can be gone on with from the position of any batch.
        ordered: A split's records come in the order in which they are stored.
        incremental: A run reads what is new since the last one.
        evolving: Later parts may have other columns.
        typed: Columns have the types that they are stored with; days and times among them.
        decimal, zoned, binary, nested: It keeps decimals; moments with a time zone; bytes; lists and records.

    Attributes:
        capabilities: Those that the source has, out of the above.
        patience: Seconds in which a bounded source has to give a batch, or to end; default: 30.
        longest_poll: Seconds that a poll may take; default: 2.
        examples: Histories of runs that the property test tries; default: 25.

    Example:
        >>> class TestLines(SourceSuite):
        ...     capabilities = frozenset({"bounded", "splittable", "resumable", "ordered"})
        ...
        ...     @pytest.fixture
        ...     def harness(self, tmp_path):
        ...         return LinesHarness(tmp_path)

    A case that fails says what it is for: ``pytest -v``, or ``SourceSuite.cases()``.
    """


__all__ = ["SourceSuite"]
