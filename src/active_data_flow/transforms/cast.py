"""Gives columns other types."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
from pydantic import Field, field_validator

from active_data_flow.core.batch import Batch
from active_data_flow.core.cast import cast_batch
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.transform import Step, Transform, TransformContext
from active_data_flow.core.types import parse_type
from active_data_flow.transforms.columns import require_columns


class Cast(Transform):
    """Gives columns other types; rows with a value that doesn't fit become rejects, naming field and value.

    Null stays null: what is not allowed to be null is said by the flow's schema.

    Example:
        >>> Cast(columns={"price": "decimal(12,2)", "seen": "timestamp[us, UTC]"}).columns["price"]
        'decimal(12,2)'
    """

    type: ClassVar[str] = "cast"
    capabilities: ClassVar[frozenset[str]] = frozenset({"vectorised", "row-wise"})

    columns: dict[str, str] = Field(min_length=1)
    """Column -> type, as ``int64``, ``float64``, ``string``, ``date``, ``timestamp[us, UTC]``, ``decimal(12,2)``."""

    @field_validator("columns")
    @classmethod
    def _known_types(cls, columns: dict[str, str]) -> dict[str, str]:
        for name, text in columns.items():
            try:
                parse_type(text)
            except ConfigurationError as error:
                raise ValueError(f"{name}: {error.message}") from error
        return columns

    def open(self, context: TransformContext) -> Step:
        """A step."""
        return _CastStep(self.columns)


class _CastStep(Step):
    def __init__(self, columns: dict[str, str]) -> None:
        self._types = {name: parse_type(text).type for name, text in columns.items()}
        self._known: tuple[pa.Schema, pa.Schema] | None = None

    def apply(self, batch: Batch) -> Batch:
        return cast_batch(batch, self._target(batch.data.schema), stage="transform")

    def _target(self, schema: pa.Schema) -> pa.Schema:
        if self._known is None or not self._known[0].equals(schema):
            require_columns(self._types, schema.names, "cast")
            fields = [field.with_type(self._types.get(field.name, field.type)) for field in schema]
            self._known = (schema, pa.schema([field.remove_metadata() for field in fields]))
        return self._known[1]


__all__ = ["Cast"]
