"""Keeps some columns, or leaves some out."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import TransformError
from active_data_flow.core.transform import Step, Transform, TransformContext
from active_data_flow.transforms.columns import require_columns


class Select(Transform):
    """Keeps some columns, in the order given, or leaves some out.

    Example:
        >>> Select(columns=["sku", "price"]).columns
        ['sku', 'price']
    """

    type: ClassVar[str] = "select"
    capabilities: ClassVar[frozenset[str]] = frozenset({"vectorised", "row-wise"})

    columns: list[str] = Field(default=[])
    """The columns to keep."""
    exclude: list[str] = Field(default=[])
    """The columns to leave out."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.columns) == bool(self.exclude):
            raise ValueError("give either columns (to keep) or exclude (to leave out)")
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise ValueError(f"columns: {', '.join(twice)} is named twice")
        return self

    def open(self, context: TransformContext) -> Step:
        """A step."""
        return _SelectStep(self)


class _SelectStep(Step):
    def __init__(self, options: Select) -> None:
        self._options = options

    def apply(self, batch: Batch) -> Batch:
        names = batch.data.schema.names
        require_columns([*self._options.columns, *self._options.exclude], names, "select")
        columns = self._options.columns or [name for name in names if name not in self._options.exclude]
        if not columns:
            raise TransformError("select: exclude leaves no column over")
        return batch.with_data(batch.data.select(columns))


__all__ = ["Select"]
