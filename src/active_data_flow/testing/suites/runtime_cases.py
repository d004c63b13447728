"""What the groups of the runtime's cases share."""

from __future__ import annotations

from typing import ClassVar

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.run import Budget, RunResult
from active_data_flow.testing.suites.case import Suite
from active_data_flow.testing.suites.runtime_harness import RuntimeHarness


class RuntimeCases(Suite):
    """Cases about one side of a runtime; `RuntimeSuite` has all of them."""

    known: ClassVar[frozenset[str]] = frozenset({"endless", "lanes", "stops on request"})
    examples: ClassVar[int] = 20
    """Examples that a property test tries; fewer for slow runtimes."""


def run(
    harness: RuntimeHarness, flow: DataFlow, budget: Budget | None = None, *, from_start: bool = False
) -> RunResult:
    """Run a flow in a runtime made anew."""
    return harness.runtime().runner(flow).run(budget or Budget(), from_start=from_start)


def assert_written(harness: RuntimeHarness, flow: DataFlow, expected: list[int]) -> None:
    """The flow has written exactly these numbers, and their doubles."""
    rows = sorted(harness.rows(flow), key=lambda row: row["n"])
    assert [row["n"] for row in rows] == expected
    assert [row["double"] for row in rows] == [2 * number for number in expected]


__all__ = ["RuntimeCases", "assert_written", "run"]
