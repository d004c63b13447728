"""Drops rows whose key has been seen."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from active_data_flow.core.batch import Batch
from active_data_flow.core.columns import values_of
from active_data_flow.core.errors import TransformError
from active_data_flow.core.transform import Step, Transform, TransformContext
from active_data_flow.transforms.columns import require_columns


class Deduplicate(Transform):
    """Drops a row when a row with the same key came before it in the same lane; the first one stays.

    It thins out duplicates, it doesn't promise that none is left: keys are remembered for one run and one lane, no more
    than `window` of them, and what was read before a retry is forgotten with everything else that was not committed.
    So no row is ever lost by it. For a guarantee over all runs and lanes use a sink with ``upsert`` and ``unique_by``.
    Null equals null.

    Example:
        >>> Deduplicate(keys=["order_id"]).window
        1000000
    """

    type: ClassVar[str] = "deduplicate"
    capabilities: ClassVar[frozenset[str]] = frozenset({"stateful"})

    keys: list[str] = Field(min_length=1)
    """The columns that together are the key."""
    window: int = Field(default=1_000_000, ge=2)
    """Keys remembered at most, about 150 bytes each; at least the last half of them is remembered at any time."""

    def open(self, context: TransformContext) -> Step:
        """A step that has seen nothing yet."""
        return _DeduplicateStep(self)


class _DeduplicateStep(Step):
    """Remembers keys in two generations: when the newer one is half a window, the older one is forgotten.

    A step lives from a start (or a retry) to the next: what it has seen was committed by this attempt, or is about to
    be. A retry opens a new step, that knows nothing, so that rows which come again are not taken for duplicates of
    themselves.
    """

    def __init__(self, options: Deduplicate) -> None:
        self._keys = options.keys
        self._generation = (options.window + 1) // 2
        self._recent: set[Any] = set()
        self._older: set[Any] = set()

    def apply(self, batch: Batch) -> Batch:
        require_columns(self._keys, batch.data.schema.names, "deduplicate")
        columns = [values_of(batch.data.column(name)) for name in self._keys]
        keys: list[Any] = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        try:
            new = [self._is_new(key) for key in keys]
        except TypeError as error:
            message = f"deduplicate: lists and structs are no keys (keys: {', '.join(self._keys)})"
            raise TransformError(message) from error
        return batch if all(new) else batch.filter(pa.array(new, pa.bool_()))

    def close(self) -> None:
        self._recent, self._older = set(), set()

    def _is_new(self, key: Any) -> bool:
        if key in self._recent or key in self._older:
            return False
        self._recent.add(key)
        if len(self._recent) >= self._generation:
            self._recent, self._older = set(), self._recent
        return True


__all__ = ["Deduplicate"]
