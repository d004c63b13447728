"""Records on their way into the database: instances of a model with the rows that they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Record:
    """An instance to be saved.

    Attributes:
        row: Row of the batch that it was made of.
        instance: The instance.
        created: Whether it becomes a new row; else it changes one that is there.
        kept: Of one that is there: values that a change must not touch, as the time of its creation.
    """

    row: int
    instance: Any
    created: bool
    kept: dict[str, Any]

    def values(self, attributes: Sequence[str]) -> tuple[Any, ...]:
        """Values of some attributes."""
        return tuple(getattr(self.instance, name) for name in attributes)

    def renew(self, automatic_key: str | None) -> None:
        """Forget what an attempt to save it, which was rolled back, has left in the instance."""
        if self.created:
            self.instance._state.adding = True  # Django's public name for it
            if automatic_key is not None:
                setattr(self.instance, automatic_key, None)


__all__ = ["Record"]
