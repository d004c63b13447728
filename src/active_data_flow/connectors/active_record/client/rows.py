"""The ways in which rows get into a model's table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import pyarrow as pa

from active_data_flow.connectors.active_record.fields import ModelField
from active_data_flow.connectors.sql.dialects import Column
from active_data_flow.core.batch import Batch


class Rows(ABC):
    """Takes rows within the session's transaction, which it begins where there is none."""

    @abstractmethod
    def prepare(self, fields: Sequence[ModelField], columns: Mapping[str, Column]) -> None:
        """Take rows with these fields from now on; what was taken before has been handed over when this returns.

        Args:
            fields: The fields that the data fills.
            columns: The columns of the table, by name.
        """

    @abstractmethod
    def write(self, batch: Batch, columns: Mapping[str, pa.Array]) -> None:
        """Take the rows of a batch, whose columns are given by attributes of the model."""

    def settle(self) -> None:
        """Return when nothing uses the session in the background."""

    @abstractmethod
    def flush(self) -> None:
        """Hand all rows to the database; those that it refuses have been rejected when this returns."""

    def committed(self) -> None:
        """The transaction has ended."""

    @abstractmethod
    def close(self) -> None:
        """Give up what was not committed."""


__all__ = ["Rows"]
