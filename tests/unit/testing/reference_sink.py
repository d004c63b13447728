"""A sink in memory that keeps every promise of the suite, in small parts that a test can break one by one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint, Committable, SplitState
from active_data_flow.core.configuration import Secret
from active_data_flow.core.errors import FencedError, SchemaError
from active_data_flow.core.policies import Drift
from active_data_flow.core.schema import cast_batch
from active_data_flow.core.sink import (
    Committer,
    Delivery,
    Sink,
    TransactionalWriter,
    TwoPhaseWriter,
    Writer,
    WriterContext,
)
from active_data_flow.testing import Refusal, SinkHarness, read_as

Rows = list[dict[str, Any]]


@dataclass
class Table:
    """A place; rows whose ``number`` is 100 or more are refused where it is limited."""

    rows: Rows = field(default_factory=list)
    filling: Rows | None = None
    schema: pa.Schema | None = None
    limited: bool = False
    splits: dict[str, dict[str, SplitState]] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    prepared: dict[str, Rows] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def add(self, rows: Rows, mode: str) -> None:
        if mode == "replace":
            self.filling = [*(self.filling or []), *rows]
        elif mode == "append":
            self.rows = self.rows + rows
        else:
            self.rows = list({row["id"]: row for row in [*self.rows, *rows]}.values())


_tables: dict[str, Table] = {}
_numbers = itertools.count(1)


def table(name: str) -> Table:
    return _tables.setdefault(name, Table())


class Core(Writer):
    """What the writers of all deliveries share: rows that fit the table, in a buffer."""

    def __init__(self, where: Table, context: WriterContext, mode: str) -> None:
        self.where, self.context, self.mode = where, context, mode
        self.contract = context.contract
        self.rows: Rows = []

    def write(self, batch: Batch) -> None:
        if batch.num_rows:
            self.rows += self.taken(self.checked(self.fitted(batch)).data.to_pylist())

    def taken(self, rows: Rows) -> Rows:
        return rows

    def fitted(self, batch: Batch) -> Batch:
        known = self.known(batch.data.schema)
        batch = replace(batch, rejects=())
        for name in [name for name in batch.data.schema.names if name not in known.names]:
            if self.contract.column is Drift.FREEZE:
                rows = [index for index, value in enumerate(batch.data.column(name)) if value.is_valid]
                batch = batch.reject(dict.fromkeys(rows, "frozen"), stage="write", error_type="SchemaError", field=name)
        columns = [self.column(batch.data, item) for item in known]
        data = pa.record_batch(columns, [item.name for item in known])
        drift = Drift.FREEZE if self.contract.type is Drift.EVOLVE else self.contract.type
        return self.rejected(cast_batch(batch.with_data(data), known, stage="write", drift=drift))

    def known(self, schema: pa.Schema) -> pa.Schema:
        if self.where.schema is None:
            if self.contract.table is not Drift.EVOLVE:
                raise SchemaError("there is no table")
            self.where.schema = schema
        known = {item.name: item for item in self.where.schema}
        new = [item for item in schema if item.name not in known]
        if new and self.contract.column is Drift.FAIL:
            raise SchemaError(f"no columns for {new}")
        if self.contract.column is Drift.EVOLVE:
            known |= {item.name: item for item in new}
        if self.contract.type is Drift.EVOLVE:
            common = [pa.schema([item]) for item in schema if item.name in known]
            old = pa.schema(list(known.values()))
            known = {item.name: item for item in pa.unify_schemas([old, *common], promote_options="permissive")}
        self.where.schema = pa.schema(list(known.values()))
        return self.where.schema

    def column(self, data: pa.RecordBatch, item: pa.Field) -> pa.Array:
        return data.column(item.name) if item.name in data.schema.names else pa.nulls(data.num_rows, item.type)

    def checked(self, batch: Batch) -> Batch:
        if not self.where.limited:
            return batch
        bad = [index for index, row in enumerate(batch.data.to_pylist()) if row["number"] >= 100]
        faults = dict.fromkeys(bad, "is too large")
        return self.rejected(batch.reject(faults, stage="write", error_type="RecordError", field="number"))

    def rejected(self, batch: Batch) -> Batch:
        for reject in batch.rejects:
            self.context.reject(reject)
        return replace(batch, rejects=())

    def close(self) -> None:
        self.rows = []


class Transaction(Core, TransactionalWriter):
    def restore(self) -> Checkpoint | None:
        flow = self.context.flow
        self.epoch = max(self.where.epochs.get(flow, 0) + 1, self.context.epoch)
        self.where.epochs[flow] = self.epoch
        if self.mode == "replace" and not self.where.splits.get(flow):
            self.where.filling = None
        return Checkpoint(self.epoch, dict(self.where.splits.get(flow, {})))

    def commit(self, checkpoint: Checkpoint) -> None:
        self.check_fence(checkpoint)
        self.where.add(self.rows, self.mode)
        self.save(checkpoint)
        self.rows = []

    def check_fence(self, checkpoint: Checkpoint) -> None:
        if checkpoint.epoch < self.where.epochs.get(self.context.flow, 0):
            raise FencedError("a newer run has taken over")

    def save(self, checkpoint: Checkpoint) -> None:
        self.where.splits.setdefault(self.context.flow, {}).update(checkpoint.splits)


class Preparing(Core, TwoPhaseWriter):
    def restore(self, checkpoint: Checkpoint | None) -> None:
        self.where.prepared.clear()

    def prepare(self) -> list[Committable]:
        name = f"rows-{next(_numbers)}"
        self.where.prepared[name], self.rows = self.rows, []
        return [{"id": name, "epoch": self.context.epoch}]


class Publishing(Committer):
    def __init__(self, where: Table, context: WriterContext) -> None:
        self.where, self.context = where, context

    def commit(self, committables: Sequence[Committable]) -> None:
        for item in committables:
            if item["id"] not in self.where.done:
                self.where.add(self.where.prepared.pop(item["id"]), "append")
                self.where.done.add(item["id"])


class Upserting(Core):
    def flush(self) -> None:
        self.where.add(self.rows, "upsert")
        self.rows = []


class ReferenceSink(Sink):
    delivery: ClassVar[Delivery] = Delivery.TRANSACTIONAL
    writer: ClassVar[Any] = Transaction

    place: str
    """Name of the table."""
    mode: Literal["append", "upsert", "replace"] = "append"
    """What is done with rows."""
    token: Secret | None = None
    """Leads to a password."""

    def describe(self) -> str:
        return f"table {self.place}"

    def open(self, context: WriterContext) -> Writer:
        return self.writer(table(self.place), context, self.mode)

    def finish(self, context: WriterContext) -> None:
        where = table(self.place)
        if self.mode == "replace":
            where.rows, where.filling = where.filling or [], None
            where.splits.pop(context.flow, None)

    def arrow_schema(self) -> pa.Schema | None:
        return table(self.place).schema

    def reset(self, flow: str) -> None:
        table(self.place).splits.pop(flow, None)

    def positions(self, flow: str) -> Checkpoint | None:
        where = table(self.place)
        return Checkpoint(where.epochs.get(flow, 0), where.splits[flow]) if flow in where.splits else None


class TwoPhaseReference(ReferenceSink):
    delivery: ClassVar[Delivery] = Delivery.TWO_PHASE
    writer: ClassVar[Any] = Preparing
    committing: ClassVar[Any] = Publishing

    def committer(self, context: WriterContext) -> Committer:
        return self.committing(table(self.place), context)


class IdempotentReference(ReferenceSink):
    delivery: ClassVar[Delivery] = Delivery.IDEMPOTENT
    writer: ClassVar[Any] = Upserting


class Memory(SinkHarness):
    """Tables in memory for a class of sinks."""

    def __init__(self, kind: type[ReferenceSink], **options: Any) -> None:
        self.kind, self.options = kind, options

    def sink(self, schema: pa.Schema, **options: Any) -> ReferenceSink:
        return self.kind(place=f"table-{next(_numbers)}", **self.options | options)

    def rows(self, sink: Sink, schema: pa.Schema) -> Rows:
        assert isinstance(sink, ReferenceSink)
        return read_as(table(sink.place).rows, schema)

    def leftovers(self, sink: Sink) -> Sequence[str]:
        assert isinstance(sink, ReferenceSink)
        return list(table(sink.place).prepared)

    def refusal(self) -> Refusal:
        rows = pa.record_batch({"id": range(5), "number": [1, 100, 2, 3, 1000]})
        sink = self.sink(rows.schema)
        table(sink.place).limited = True
        return Refusal(sink, rows, {1: "number", 4: "number"})

    def secret(self, password: str) -> Sink:
        os.environ["REFERENCE_TOKEN"] = password
        return self.sink(pa.schema([]), token="env:REFERENCE_TOKEN")
