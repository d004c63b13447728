"""The sink: a model of a Django project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, get_args

import pyarrow as pa
from pydantic import Field, model_validator

from active_data_flow.connectors.active_record.configuration import DATABASES, ModelLabel, dialect_of_model
from active_data_flow.connectors.sql.sink_configuration import check_upsert
from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import Drift, SchemaContract, Seconds
from active_data_flow.core.sink import Delivery, Sink, Writer, WriterContext

Mode = Literal["append", "upsert"]
_TRUSTED_ROWS = 65_536
_VALIDATED_ROWS = 2_000


class ActiveRecordSink(Sink):
    """Rows of a Django model. Rows and positions are committed in one transaction of the model's database.

    By default each record is validated as `full_clean` does it and saved with its signals; a record that is not valid,
    or that the database refuses, is rejected by itself. Rows are inserted many at once; where the model has a `save`
    of its own, it is called for each. With `trusted` rows go past validation, `save` and signals, as fast as the
    database takes them.

    Example:
        >>> sink = ActiveRecordSink(model="shop.Price", mode="upsert", unique_by=["sku"])
        >>> sink.to_document()["unique_by"]
        ['sku']
    """

    type: ClassVar[str] = "active_record"
    label: ClassVar[str] = "active_record sink"
    delivery: ClassVar[Delivery] = Delivery.TRANSACTIONAL
    capabilities: ClassVar[frozenset[str]] = frozenset({"exactly-once", "append", "upsert", "rejects rows"})

    model: ModelLabel
    """The model, as ``shop.Price``."""
    mode: Mode = "append"
    """``append`` creates rows; ``upsert`` changes the row with the same key, or creates one."""
    unique_by: list[str] = Field(default_factory=list[str])
    """Of upsert: the fields that make a row the same; the table needs a unique index on them."""
    update_only: list[str] = Field(default_factory=list[str])
    """Of upsert: the fields of an existing row that are changed; default: all that are given."""
    references: dict[str, str] = Field(default_factory=dict[str, str])
    """Foreign keys whose column holds another unique field than the other model's key: ``{supplier: name}``."""
    trusted: bool = False
    """Write without validation, `save` and signals: for data that is known to be valid."""
    database: str | None = None
    """Name of the database in ``settings.DATABASES``; default: the one that the project's routers write to."""
    timeout: Seconds = 30.0
    """Seconds to wait for locks that others hold."""
    batch_size: int | None = Field(default=None, ge=1, le=10_000_000)
    """Rows that are written at once; default: 2,000, of trusted rows 65,536 or 8 MB."""

    @model_validator(mode="after")
    def _check_mode(self) -> ActiveRecordSink:
        check_upsert(self.mode, self.unique_by, self.update_only, "fields")
        return self

    @property
    def variant(self) -> str:
        """The database, the mode, and whether rows are trusted: ``active_record:postgresql:upsert:trusted``."""
        database = dialect_of_model(self.model, self.database, "write")
        return f"active_record:{database}:{self.mode}{':trusted' if self.trusted else ''}"

    @classmethod
    def variants(cls) -> list[str]:
        """Each database in each mode, validated and trusted."""
        ways = [f"{mode}{way}" for mode in get_args(Mode) for way in ("", ":trusted")]
        return [f"active_record:{database}:{way}" for database in DATABASES for way in ways]

    @property
    def max_writers(self) -> int | None:
        """One for SQLite, which has a single writer; any number for the others."""
        return 1 if dialect_of_model(self.model, self.database, "write") == "sqlite" else None

    @property
    def delivery_here(self) -> tuple[Delivery, str]:
        """Transactional: rows and positions are in the same database."""
        return self.delivery, f"rows of {self.model} and positions are one transaction of their database"

    def doubles(self) -> str:
        """Only mode append does."""
        return "give the sink mode: upsert with unique_by" if self.mode == "append" else ""

    def open(self, context: WriterContext) -> Writer:
        """A writer with a connection of its own.

        Raises:
            SinkUnavailableError: The database can't be reached at the moment.
            SinkError: It refuses the connection.
            ConfigurationError: Django is not set up, or there is no such model, database or field.
        """
        from active_data_flow.connectors.active_record.client.opening import open_writer

        return open_writer(self, context)

    def _write_alone(self, writer: Any, context: WriterContext, batch: Batch) -> None:
        """Commit without positions."""
        writer.write(batch)
        writer.publish()

    def positions(self, flow: str) -> Checkpoint | None:
        """The flow's positions in the model's database; None where there are none."""
        from active_data_flow.connectors.active_record.client.opening import known_positions

        return known_positions(self, flow)

    def reset(self, flow: str) -> None:
        """Forget the flow's positions; rows stay."""
        from active_data_flow.connectors.active_record.client.opening import forget_positions

        forget_positions(self, flow)

    def describe(self) -> str:
        """The model, and the database where it is asked for by name."""
        return f"model {self.model}{f' in database {self.database}' if self.database else ''}"

    def hint(self) -> str:
        """A command that counts the rows."""
        app, _, name = self.model.partition(".")
        using = f".using({self.database!r})" if self.database else ""
        count = f"apps.get_model({app!r}, {name!r})._base_manager{using}.count()"
        return f'python manage.py shell -c "from django.apps import apps; print({count})"'

    def arrow_schema(self) -> pa.Schema:
        """The fields of the model and their types."""
        from active_data_flow.connectors.active_record.client.opening import model_schema

        return model_schema(self)

    def check(self) -> list[str]:
        """Connect, and hold the table against the model.

        Raises:
            SinkError: The database can't be reached, or the table is not what the model says.
            ConfigurationError: There is no such model, database or field.
        """
        from active_data_flow.connectors.active_record.client.opening import look

        return look(self)

    def project_models(self) -> list[str]:
        """The model."""
        return [self.model]

    def project_faults(self, columns: Sequence[str] | None = None, contract: SchemaContract | None = None) -> list[str]:
        """Whether model and fields are there, and the model has what it takes for these columns."""
        from active_data_flow.connectors.active_record.client.opening import plan_of

        try:
            plan = plan_of(self)
        except ConfigurationError as error:
            return [error.message]
        unknown_matter = contract is None or contract.column not in (Drift.DISCARD, Drift.FREEZE)
        return [] if columns is None else plan.problems(columns, unknown_matter=unknown_matter)

    @property
    def rows_at_once(self) -> int:
        """Rows that are written at once."""
        return self.batch_size or (_TRUSTED_ROWS if self.trusted else _VALIDATED_ROWS)


__all__ = ["ActiveRecordSink"]
