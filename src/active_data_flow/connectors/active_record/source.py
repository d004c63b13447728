"""The source: a model, a manager or a registered queryset, by ranges of the primary key or by a growing field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa

from active_data_flow.connectors.active_record.configuration import (
    DATABASES,
    ActiveRecordSourceConfiguration,
    dialect_of_model,
)
from active_data_flow.connectors.active_record.splits import ModelSplit, serializer
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import SchemaContract
from active_data_flow.source_support.contexts import EnumeratorContext, ReaderContext
from active_data_flow.source_support.enumerator import SplitEnumerator
from active_data_flow.source_support.reader import SourceReader
from active_data_flow.source_support.source import Boundedness
from active_data_flow.source_support.split import SplitSerializer


class ActiveRecordSource(ActiveRecordSourceConfiguration):
    """Rows of a Django model.

    **Without a cursor** a run reads everything, in the order of the primary key, in ranges that lanes read side by
    side. A killed run goes on where it was committed; the run after a complete one reads everything again, for a sink
    that upserts or replaces. Rows that are inserted meanwhile may be read or not; none is read twice.

    **With a cursor** - a field that grows with every new or changed row, as ``updated_at`` - a run reads what is behind
    the last row of the run before, in the order (cursor, primary key), so that rows with the same cursor value are
    neither lost nor read twice. A row that is written with a cursor behind the position is not found: where
    transactions commit in another order than they take their times, set `settle` above the length of the longest one.
    With `follow` the source never ends.

    Values have the types of their fields; what there is no type for is text. JSON is text, a UUID too; of another
    model read with ``supplier__name`` or `select_related` there is a nested value, null where the foreign key is.

    Example:
        >>> source = ActiveRecordSource(model="shop.Price", cursor="updated_at", columns=["sku", "supplier__name"])
        >>> source.to_document()["cursor"]
        'updated_at'
    """

    type: ClassVar[str] = "active_record"
    label: ClassVar[str] = "active_record source"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"bounded", "endless", "splittable", "resumable", "ordered", "incremental", "typed"}
    )

    @property
    def variant(self) -> str:
        """The database, and ``cursor`` where it is read by one."""
        database = dialect_of_model(self.model, self.database, "read")
        return f"active_record:{database}{':cursor' if self.cursor else ''}"

    @classmethod
    def variants(cls) -> list[str]:
        """Each database, by ranges and by a cursor."""
        return [f"active_record:{database}{way}" for database in DATABASES for way in ("", ":cursor")]

    @property
    def boundedness(self) -> Boundedness:
        """Endless where it follows."""
        return Boundedness.ENDLESS if self.follow else Boundedness.BOUNDED

    @property
    def discover_interval(self) -> float:
        """Seconds between two looks for new rows."""
        return self.poll_interval

    def create_enumerator(self, context: EnumeratorContext[Any]) -> SplitEnumerator[ModelSplit]:
        """Looks at the rows and cuts them into splits."""
        from active_data_flow.connectors.active_record.client.enumerator import ModelEnumerator

        return ModelEnumerator(context, self)

    def create_reader(self, context: ReaderContext) -> SourceReader[ModelSplit]:
        """One connection."""
        from active_data_flow.connectors.active_record.client.reader import ModelReader

        return ModelReader(context, self)

    def split_serializer(self) -> SplitSerializer[ModelSplit]:
        """Splits to JSON and back."""
        return serializer

    def describe(self) -> str:
        """The model, and the queryset where there is one."""
        return f"{f'queryset {self.queryset} of ' if self.queryset else ''}model {self.model}"

    def arrow_schema(self) -> pa.Schema:
        """Columns and types, as the model declares them.

        Raises:
            ConfigurationError: There is no such model, field or queryset.
        """
        from active_data_flow.connectors.active_record.client.query import ModelQuery

        return ModelQuery(self).schema

    def static_schema(self) -> pa.Schema:
        """As `arrow_schema`: the model is asked, not its database."""
        return self.arrow_schema()

    def project_models(self) -> list[str]:
        """The model."""
        return [self.model]

    def project_faults(self, columns: Sequence[str] | None = None, contract: SchemaContract | None = None) -> list[str]:
        """Whether model, queryset and fields are there."""
        try:
            self.arrow_schema()
        except ConfigurationError as error:
            return [error.message]
        return []

    def check(self) -> list[str]:
        """Connect, look, and disconnect.

        Returns:
            The columns, how many rows there are, and the order in which they are read.
        """
        from active_data_flow.connectors.active_record.client.enumerator import look

        return look(self)

    def reads_again(self) -> str:
        """Without a cursor it does."""
        return "" if self.cursor else "give the source a cursor, by which a run reads only what is new"

    def split_notes(self) -> list[str]:
        """Into what it is split, and what a killed and a second run read."""
        if self.cursor is None:
            parts = f"{self.splits} ranges" if self.splits else "a range or more a lane"
            return [
                f"{parts} of the primary key, each read in its order",
                (
                    "a killed run goes on behind the last committed row of each range; the run after a complete one "
                    "begins anew"
                ),
            ]
        slow = "rows that a slow transaction commits behind the position are not found; settle makes the source wait"
        return [
            f"one split: rows are read in the order of {self.cursor} and primary key, those behind the last run's only",
            "a killed run goes on behind the last committed row",
            *([] if self.settle else [slow]),
        ]


__all__ = ["ActiveRecordSource"]
