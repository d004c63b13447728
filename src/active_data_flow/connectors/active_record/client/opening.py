"""What a sink does with its model: open it, look at it, and keep its positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa

from active_data_flow.connectors.active_record.client.place import ModelPlan, Place
from active_data_flow.connectors.active_record.client.rows import Rows
from active_data_flow.connectors.active_record.client.session import ModelSession
from active_data_flow.connectors.active_record.client.stored import StoredForm
from active_data_flow.connectors.active_record.client.trusted import TrustedRows
from active_data_flow.connectors.active_record.client.validated import ValidatedRows
from active_data_flow.connectors.active_record.dialects import model_dialect
from active_data_flow.connectors.active_record.fields import writable_fields
from active_data_flow.connectors.active_record.writer import ActiveRecordWriter
from active_data_flow.connectors.sql.positions import Positions
from active_data_flow.core.batch import Reject
from active_data_flow.core.checkpoint import Checkpoint
from active_data_flow.core.sink import Writer, WriterContext

if TYPE_CHECKING:
    from active_data_flow.connectors.active_record.sink import ActiveRecordSink


def plan_of(sink: ActiveRecordSink) -> ModelPlan:
    """What the sink does with which model."""
    return ModelPlan(
        sink.model,
        sink.database,
        sink.mode,
        sink.unique_by,
        sink.update_only,
        sink.references,
        trusted=sink.trusted,
    )


def open_writer(sink: ActiveRecordSink, context: WriterContext) -> Writer:
    """A writer with a connection of its own."""
    plan = plan_of(sink)
    place = Place(plan, ModelSession(plan.alias, "sink", sink.timeout, immediate=sink.trusted))

    def rows_of(reject: Callable[[Reject], None]) -> Rows:
        if not sink.trusted:
            return ValidatedRows(place.session, place.model, place.way, sink.rows_at_once, reject)
        form = StoredForm(place.session, place.typing, place.zones.database)
        return TrustedRows(place.session, place.dialect, place.model, place.way, form, sink.rows_at_once, reject)

    return ActiveRecordWriter(place, rows_of, context)


def known_positions(sink: ActiveRecordSink, flow: str) -> Checkpoint | None:
    """The flow's positions; None where there are none."""
    with ModelSession(plan_of(sink).alias, "sink", sink.timeout) as session:
        positions = Positions(model_dialect(session), None, flow)
        if not positions.exist():
            return None
        epoch = positions.epoch()
        return None if epoch is None else Checkpoint(epoch, positions.load())


def forget_positions(sink: ActiveRecordSink, flow: str) -> None:
    """Forget the flow's positions."""
    with ModelSession(plan_of(sink).alias, "sink", sink.timeout) as session:
        positions = Positions(model_dialect(session), None, flow)
        if positions.exist():
            session.begin()
            positions.clear()
            session.commit()


def model_schema(sink: ActiveRecordSink) -> pa.Schema:
    """The fields of the model and their types."""
    plan = plan_of(sink)
    fields = writable_fields(plan.model)
    return pa.schema(
        [pa.field(field.attname, plan.typing.of(field) or pa.string(), bool(field.null)) for field in fields]
    )


def look(sink: ActiveRecordSink) -> list[str]:
    """Connect, and hold the table against the model."""
    plan = plan_of(sink)
    names = [field.attname for field in writable_fields(plan.model)]
    with ModelSession(plan.alias, "sink", sink.timeout) as session:
        place = Place(plan, session)
        place.columns_for(plan.fields(names)[0], names)
        way = f"past the model, by {place.dialect.strategy}" if sink.trusted else "validated, with signals"
        return [
            f"connected to {place.dialect.describe()} ({session.address.redacted}); rows go in {way}",
            f"model {plan.label} is table {plan.model._meta.db_table} with {len(names)} columns: {', '.join(names)}",
        ]


__all__ = ["forget_positions", "known_positions", "look", "model_schema", "open_writer", "plan_of"]
