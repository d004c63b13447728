"""A unit of reading work."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class Split(Protocol):
    """A part of a source that can be read on its own. Usually a frozen dataclass of JSON-safe fields."""

    @property
    def split_id(self) -> str:
        """Unique within the source, the same in every run."""
        ...


SplitT = TypeVar("SplitT", bound=Split)


@dataclass(frozen=True, slots=True)
class SplitSerializer(Generic[SplitT]):
    """Turns splits into JSON and bytes, for checkpoints and for workers elsewhere.

    Attributes:
        to_json: Split -> JSON-safe mapping.
        from_json: The way back.
    """

    to_json: Callable[[SplitT], Mapping[str, Any]]
    from_json: Callable[[Mapping[str, Any]], SplitT]

    def serialize(self, split: SplitT) -> bytes:
        """The split as UTF-8 JSON."""
        return json.dumps(self.to_json(split), separators=(",", ":"), ensure_ascii=False).encode()

    def deserialize(self, data: bytes) -> SplitT:
        """The split that `serialize` wrote."""
        return self.from_json(json.loads(data))


__all__ = ["Split", "SplitSerializer", "SplitT"]
