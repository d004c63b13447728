"""A function that the application has registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ActiveDataFlowError, ConfigurationError, TransformError
from active_data_flow.core.message import MessageMapper
from active_data_flow.core.registry import find_function
from active_data_flow.core.schema import arrow_schema
from active_data_flow.core.transform import Step, Transform, TransformContext


class Python(Transform):
    """Calls a function that was registered with `register_function`, for each message or for each batch.

    A function on messages returns the message, another mapping, a list of them, or None to drop it; what it raises
    makes a reject of the message. A function on batches gets and returns a `pyarrow.RecordBatch`; what it raises fails
    the run.

    Example:
        >>> Python(function="normalise_name").to_document()
        {'type': 'python', 'function': 'normalise_name'}
    """

    type: ClassVar[str] = "python"
    python_code: ClassVar[bool] = True
    capabilities: ClassVar[frozenset[str]] = frozenset({"python"})

    function: str = Field(min_length=1)
    """Name under which the function is registered."""
    batch: bool = False
    """Whether the function takes record batches in place of messages."""
    output_schema: dict[str, str] | None = None
    """Columns and types that come out, where they can't be told from the data; only for functions on messages."""

    @field_validator("output_schema")
    @classmethod
    def _known_types(cls, fields: dict[str, str] | None) -> dict[str, str] | None:
        try:
            arrow_schema(fields or {})
        except ConfigurationError as error:
            raise ValueError(error.message) from error
        return fields

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.batch and self.output_schema is not None:
            raise ValueError("a function on batches says its schema itself; leave out output_schema")
        return self

    def open(self, context: TransformContext) -> Step:
        """A step that calls the function.

        Raises:
            PluginError: No function is registered by that name.
        """
        function = find_function(self.function)
        if self.batch:
            return _BatchStep(self.function, function)
        schema = None if self.output_schema is None else arrow_schema(self.output_schema)
        return _MessageStep(MessageMapper(function, output_schema=schema))

    def check(self) -> list[str]:
        """Look the function up."""
        find_function(self.function)
        return [f"python: {self.function} is registered"]


class _MessageStep(Step):
    def __init__(self, mapper: MessageMapper) -> None:
        self._mapper = mapper

    def apply(self, batch: Batch) -> Batch:
        return self._mapper.map(batch)


class _BatchStep(Step):
    def __init__(self, name: str, function: Callable[[pa.RecordBatch], Any]) -> None:
        self._name = name
        self._function = function

    def apply(self, batch: Batch) -> Batch:
        try:
            data = self._function(batch.data)
        except ActiveDataFlowError:
            raise
        except Exception as error:
            raise TransformError(f"python: {self._name}: {type(error).__name__}: {error}") from error
        if not isinstance(data, pa.RecordBatch):
            raise TransformError(f"python: {self._name} returned {type(data).__name__}, not a pyarrow.RecordBatch")
        return batch.with_data(data)


__all__ = ["Python"]
