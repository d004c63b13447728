"""Gives columns other names."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import TransformError
from active_data_flow.core.transform import Step, Transform, TransformContext
from active_data_flow.transforms.columns import require_columns


class Rename(Transform):
    """Gives columns other names; they stay where they are. Names may be swapped.

    Example:
        >>> Rename(columns={"dep_time": "departure"}).columns
        {'dep_time': 'departure'}
    """

    type: ClassVar[str] = "rename"
    capabilities: ClassVar[frozenset[str]] = frozenset({"vectorised", "row-wise"})

    columns: dict[str, str] = Field(min_length=1)
    """Old name -> new name."""

    @field_validator("columns")
    @classmethod
    def _no_name_twice(cls, columns: dict[str, str]) -> dict[str, str]:
        names = list(columns.values())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is the new name of two columns")
        if "" in names:
            raise ValueError("a new name is empty")
        return columns

    def open(self, context: TransformContext) -> Step:
        """A step."""
        return _RenameStep(self.columns)


class _RenameStep(Step):
    def __init__(self, columns: dict[str, str]) -> None:
        self._columns = columns

    def apply(self, batch: Batch) -> Batch:
        names = batch.data.schema.names
        require_columns(self._columns, names, "rename")
        renamed = [self._columns.get(name, name) for name in names]
        for old, new in self._columns.items():
            if renamed.count(new) > 1:
                raise TransformError(f"rename: {old} can't become {new}: there is a column {new} already")
        return batch.with_data(batch.data.rename_columns(renamed))


__all__ = ["Rename"]
