"""When and where flows run, and the thing that runs one there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from active_data_flow.core.run import Budget, RunResult

if TYPE_CHECKING:
    from active_data_flow.core.data_flow import DataFlow


class Runner(ABC):
    """Runs one flow in its runtime."""

    @abstractmethod
    def run(self, budget: Budget, *, from_start: bool = False) -> RunResult:
        """Run until the source ends or the budget is used up; always ends at a checkpoint.

        Args:
            budget: How much to do.
            from_start: Forget the positions of earlier runs first.

        Returns:
            What was done.

        Raises:
            ActiveDataFlowError: The run failed; positions stay at the last checkpoint.
        """


class Runtime(ABC):
    """An execution environment with its parameters; several may exist in one application."""

    type: ClassVar[str] = ""
    core_versions: ClassVar[str] = ""
    capabilities: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def runner(self, flow: DataFlow) -> Runner:
        """The thing that runs this flow here."""

    def close(self) -> None:
        """Let go of what it keeps open; most keep nothing."""


__all__ = ["Runner", "Runtime"]
