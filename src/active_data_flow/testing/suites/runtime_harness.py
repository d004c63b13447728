"""What a runtime's author gives its suite, and the flow that the suite runs."""

from __future__ import annotations

import itertools
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from active_data_flow.core.data_flow import DataFlow, Lanes
from active_data_flow.core.policies import CheckpointPolicy, RetryPolicy
from active_data_flow.core.run import RunResult
from active_data_flow.core.runtime import Runtime
from active_data_flow.testing.places import TransactionalMemorySink, place
from active_data_flow.testing.scripted import ScriptedSource

Script = Mapping[str, Sequence[Any]]

_numbers = itertools.count(1)


class Numbers(DataFlow):
    """Doubles the numbers of a script; a negative one is a bad record."""

    def transform(self, message: Any) -> Any:
        """The message with its double."""
        if message["n"] < 0:
            raise ValueError("there are no negative numbers here")
        return message | {"double": message["n"] * 2}


class RuntimeHarness(ABC):
    """Makes runtimes that share what they remember, and flows for them.

    The flows read a script and write to memory, which serves runtimes that run flows in this process; others override
    `flow` and `rows`.

    Attributes:
        lanes: Where the flows' Python code runs.

    Example:
        >>> class Local(RuntimeHarness):
        ...     def __init__(self, folder):
        ...         super().__init__()
        ...         self.folder = folder
        ...
        ...     def runtime(self):
        ...         return LocalRuntime(self.folder)
    """

    lanes: Lanes = "threads"

    def __init__(self) -> None:
        self._place = uuid.uuid4().hex

    @abstractmethod
    def runtime(self) -> Runtime:
        """The runtime, as another process would make it: it remembers the runs of those made before."""

    def flow(self, script: Script, *, name: str = "", endless: bool = False, **options: Any) -> DataFlow:
        """A flow that reads a script (see `ScriptedSource`), two records a batch, with a commit behind each of them.

        Args:
            script: Split -> records ``{"n": number}``, ``"idle"``, ``"unavailable"`` or ``"broken"``.
            name: Name of a flow that was made before; default: a new one.
            endless: Whether the source waits for more at the end.
            **options: Options of the flow.
        """
        name = name or f"numbers_{next(_numbers)}"
        steps = {split: list(steps) for split, steps in script.items()}
        key = f"{self._place}-{name}"
        defaults = {"checkpoint": CheckpointPolicy(every=0), "retry": RetryPolicy(backoff=0.001, max_backoff=0.002)}
        return Numbers(
            name=name,
            source=ScriptedSource(script=steps, endless=endless, key=key),
            sink=TransactionalMemorySink(place=key),
            lanes=self.lanes,
            **defaults | options,
        )

    def rows(self, flow: DataFlow) -> Sequence[Mapping[str, Any]]:
        """What a flow of `flow` has written and committed, in the order of its commits."""
        return list(place(f"{self._place}-{flow.name}").rows)

    def run_and_stop(self, flow: DataFlow) -> RunResult:
        """Run an endless flow, and ask it to stop, as its operator does, once it has committed something.

        For the capability ``stops on request``.
        """
        raise NotImplementedError(f"{type(self).__name__} has to override run_and_stop(flow)")


def numbers(count: int, start: int = 0) -> list[dict[str, int]]:
    """Records of a script."""
    return [{"n": number} for number in range(start, start + count)]


__all__ = ["Numbers", "RuntimeHarness", "Script", "numbers"]
