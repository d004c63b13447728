"""Cases about data that differs from its place: each contract at each level, and records that are refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.core.sink import Sink
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.sink_cases import SinkCases, assert_rows, ids
from active_data_flow.testing.suites.sink_harness import SinkHarness
from active_data_flow.testing.suites.sink_run import SinkRun, SuiteStore

KNOWN = pa.schema({"id": pa.int64(), "number": pa.int64()})
COLUMN = pa.schema({"id": pa.int64(), "number": pa.int64(), "extra": pa.string()})
"""With a column that the place lacks; the value of the last row is null, so that the row fits."""
EXTRA = pa.record_batch([pa.array([2, 3], pa.int64()), pa.array([2, 3], pa.int64()), ["x", None]], COLUMN)
WIDER = pa.schema({"id": pa.int64(), "number": pa.float64()})
"""With fractions where the place has whole numbers: the first fits all the same, the second does not."""
FRACTIONS = pa.record_batch([pa.array([2, 3], pa.int64()), [2.0, 2.5]], WIDER)


class SchemaCases(SinkCases):
    """Data that differs from its place follows the contract; bad records are set aside alone."""

    @case(
        purpose="A typing error in a place's name must not make a new place where the contract forbids it.",
        way="Write to a place that does not exist, with the contract for tables `freeze`, then `fail`.",
        passes="A SchemaError or SinkError each time, and there is still no place.",
        requirement="The sink makes its place only where the contract evolves tables.",
        needs=["creates table"],
    )
    def test_no_new_place(self, harness: SinkHarness) -> None:
        for drift in (Drift.FREEZE, Drift.FAIL):
            sink = harness.sink(KNOWN)
            with pytest.raises((SchemaError, SinkError)):
                _write(harness, sink, SuiteStore(), _known(0), SchemaContract(table=drift))
            assert list(harness.rows(sink, KNOWN)) == []
            assert sink.arrow_schema() is None

    @case(
        purpose="Previews and plans show the place's columns.",
        way="Ask for the schema before and after rows are written.",
        passes="None first (where the sink makes its place), then the names of the columns.",
        requirement="`arrow_schema` tells the columns that the place has now.",
        needs=["fixed columns"],
    )
    def test_the_schema_is_told(self, harness: SinkHarness) -> None:
        sink = harness.sink(KNOWN)
        if "creates table" in self.capabilities:
            assert sink.arrow_schema() is None
        _write(harness, sink, SuiteStore(), _known(0))
        schema = sink.arrow_schema()
        assert schema is not None
        assert schema.names == KNOWN.names

    @case(
        purpose="A source that gets a new column must not stop the flow that may change its place.",
        way="Fill a place; in another run write rows with one more column, under `evolve`.",
        passes="All rows are there, the old ones with null in the new column.",
        requirement="`column: evolve` adds the column.",
        needs=["evolves schema", "append"],
    )
    def test_new_column_evolve(self, harness: SinkHarness) -> None:
        sink, rejects = _drift(harness, EXTRA, SchemaContract(column=Drift.EVOLVE))
        assert rejects == []
        expected = pa.concat_tables(
            [pa.Table.from_batches([_known(0)]), pa.Table.from_batches([EXTRA])], promote_options="default"
        )
        assert_rows(harness, sink, expected)

    @case(
        purpose="Where columns are frozen, values for others must not vanish unseen.",
        way="Fill a place; write a row with a value in a new column and one with null there, under `freeze`.",
        passes="The first is rejected and names the column; the second is written; the place keeps its columns.",
        requirement="`column: freeze` rejects the rows that don't fit.",
        needs=["fixed columns", "rejects rows", "append"],
    )
    def test_new_column_freeze(self, harness: SinkHarness) -> None:
        sink, rejects = _drift(harness, EXTRA, SchemaContract(column=Drift.FREEZE))
        assert rejects == [(2, "extra")]
        assert ids(harness, sink) == [0, 1, 3]
        _assert_columns(sink, KNOWN)

    @case(
        purpose="Some flows want the known columns and nothing else.",
        way="Fill a place; write rows with a new column, under `discard`.",
        passes="All rows are there without the new column; nothing is rejected.",
        requirement="`column: discard` keeps rows without the values that don't fit.",
        needs=["fixed columns", "append"],
    )
    def test_new_column_discard(self, harness: SinkHarness) -> None:
        sink, rejects = _drift(harness, EXTRA, SchemaContract(column=Drift.DISCARD))
        assert rejects == []
        assert_rows(harness, sink, pa.Table.from_batches([_known(0), EXTRA.select(["id", "number"])]))
        _assert_columns(sink, KNOWN)

    @case(
        purpose="Some flows must stop when their source changes.",
        way="Fill a place; write rows with a new column, under `fail`.",
        passes="A SchemaError that names the column; nothing of the run is there.",
        requirement="`column: fail` stops the run.",
        needs=["fixed columns", "append"],
    )
    def test_new_column_fail(self, harness: SinkHarness) -> None:
        sink, store = _filled(harness)
        with pytest.raises(SchemaError, match="extra"):
            _write(harness, sink, store, EXTRA, SchemaContract(column=Drift.FAIL))
        assert ids(harness, sink) == [0, 1]

    @case(
        purpose="A type that becomes wider must not stop the flow that may change its place.",
        way="Fill a column with whole numbers; write fractions into it, under `evolve`.",
        passes="All rows are there, with their fractions; nothing is rejected.",
        requirement="`type: evolve` widens the column.",
        needs=["widens types", "append"],
    )
    def test_other_type_evolve(self, harness: SinkHarness) -> None:
        sink, rejects = _drift(harness, FRACTIONS, SchemaContract(type=Drift.EVOLVE))
        assert rejects == []
        expected = pa.concat_tables(
            [pa.Table.from_batches([_known(0)]).cast(WIDER), pa.Table.from_batches([FRACTIONS])]
        )
        assert_rows(harness, sink, expected)

    @case(
        purpose="One value that doesn't fit must not stop the others, nor be changed.",
        way="Fill a column with whole numbers; write 2.0 and 2.5, under `freeze`.",
        passes="The first is written as 2; the second is rejected and names the column.",
        requirement="`type: freeze` rejects the rows whose values can't be cast.",
        needs=["fixed types", "rejects rows", "append"],
    )
    def test_other_type_freeze(self, harness: SinkHarness) -> None:
        sink, rejects = _drift(harness, FRACTIONS, SchemaContract(type=Drift.FREEZE))
        assert rejects == [(3, "number")]
        assert_rows(harness, sink, _numbers([0, 1, 2], [0, 1, 2]))

    @case(
        purpose="Some flows rather lose a value than its row.",
        way="Fill a column with whole numbers; write 2.0 and 2.5, under `discard`.",
        passes="Both rows are written, the second with null; nothing is rejected.",
        requirement="`type: discard` keeps rows without the values that can't be cast.",
        needs=["fixed types", "append"],
    )
    def test_other_type_discard(self, harness: SinkHarness) -> None:
        sink, rejects = _drift(harness, FRACTIONS, SchemaContract(type=Drift.DISCARD))
        assert rejects == []
        assert_rows(harness, sink, _numbers([0, 1, 2, 3], [0, 1, 2, None]))

    @case(
        purpose="Some flows must stop when a value doesn't fit.",
        way="Fill a column with whole numbers; write 2.0 and 2.5, under `fail`.",
        passes="A SchemaError; nothing of the run is there.",
        requirement="`type: fail` stops the run.",
        needs=["fixed types", "append"],
    )
    def test_other_type_fail(self, harness: SinkHarness) -> None:
        sink, store = _filled(harness)
        with pytest.raises(SchemaError):
            _write(harness, sink, store, FRACTIONS, SchemaContract(type=Drift.FAIL))
        assert ids(harness, sink) == [0, 1]

    @case(
        purpose="One bad record among thousands must neither stop the run nor vanish.",
        way="Write good rows and rows that the store refuses, mixed, in one batch and in several.",
        passes="The good ones are there; each bad one is set aside with its record, a reason, and the field if known.",
        requirement="Unusable rows go to `WriterContext.reject`, one by one.",
        needs=["rejects rows"],
    )
    def test_refused_rows(self, harness: SinkHarness) -> None:
        for size in (1, 1000):
            _assert_refused(harness, size)


def _assert_refused(harness: SinkHarness, size: int) -> None:
    refusal = harness.refusal()
    run = SinkRun(harness, refusal.sink)
    for start in range(0, refusal.rows.num_rows, size):
        run.write(refusal.rows.slice(start, size))
    run.end()
    rows = refusal.rows.to_pylist()
    assert ids(harness, refusal.sink) == sorted(
        row["id"] for number, row in enumerate(rows) if number not in refusal.fields
    )
    rejected = sorted(run.rejects, key=lambda reject: rows.index(reject.record))
    assert [(reject.record, reject.field) for reject in rejected] == [
        (rows[number], field) for number, field in sorted(refusal.fields.items())
    ]
    assert all(reject.error and reject.stage == "write" and reject.split_id == run.split for reject in rejected)


def _known(start: int) -> pa.RecordBatch:
    return _numbers([start, start + 1], [start, start + 1])


def _numbers(keys: list[int], numbers: list[int | None]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(keys, pa.int64()), pa.array(numbers, pa.int64())], KNOWN)


def _drift(
    harness: SinkHarness, rows: pa.RecordBatch, contract: SchemaContract
) -> tuple[Sink, list[tuple[int, str | None]]]:
    """Fill a place, then write other rows in another run; the sink, and id and field of what was rejected."""
    sink, store = _filled(harness)
    return sink, _write(harness, sink, store, rows, contract)


def _filled(harness: SinkHarness) -> tuple[Sink, SuiteStore]:
    sink, store = harness.sink(KNOWN), SuiteStore()
    _write(harness, sink, store, _known(0))
    return sink, store


def _write(
    harness: SinkHarness, sink: Sink, store: SuiteStore, rows: pa.RecordBatch, contract: SchemaContract | None = None
) -> list[tuple[int, str | None]]:
    run = SinkRun(harness, sink, store, contract=contract)
    try:
        run.write(rows).end()
    finally:
        run.close()
    return [(_record_id(reject.record), reject.field) for reject in run.rejects]


def _record_id(record: object) -> int:
    assert isinstance(record, dict), record
    return int(record["id"])


def _assert_columns(sink: Sink, schema: pa.Schema) -> None:
    known = sink.arrow_schema()
    assert known is None or known.names == schema.names


__all__ = ["SchemaCases"]
