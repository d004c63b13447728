"""What a ready-made transform is: options that open to a step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from active_data_flow.core.batch import Batch
from active_data_flow.core.component import Component


@dataclass(frozen=True, slots=True)
class TransformContext:
    """What a step gets to know when it is opened.

    Attributes:
        flow: Name of the flow.
        lane: Number of the lane that it works for.
    """

    flow: str = ""
    lane: int = 0


class Step(ABC):
    """A transform, open; used by one thread at a time."""

    @abstractmethod
    def apply(self, batch: Batch) -> Batch:
        """Other rows for these; rows that can't be used become rejects of the batch, never vanish.

        Raises:
            TransformError: The transform itself fails (not one record of it).
        """

    def committed(self) -> None:
        """Everything applied so far has been committed; a step with state keeps it."""

    def close(self) -> None:
        """Release everything; what was applied since the last commit will be applied again by another step."""


class Transform(Component):
    """A ready-made change to batches. `open` gives the step that does it.

    Attributes:
        python_code: Whether it runs Python for each record; lanes in processes take it, and all that follows, over.
    """

    python_code: ClassVar[bool] = False

    @abstractmethod
    def open(self, context: TransformContext) -> Step:
        """A step for one lane."""


__all__ = ["Step", "Transform", "TransformContext"]
