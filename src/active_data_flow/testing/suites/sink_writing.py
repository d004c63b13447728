"""Cases about rows and values: what is written is what is read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.sink_cases import SinkCases, assert_numbered, assert_rows, write_all
from active_data_flow.testing.suites.sink_harness import SinkHarness, read_as
from active_data_flow.testing.suites.sink_run import NUMBERED, SinkRun, numbered

Values = Mapping[str, tuple[pa.DataType, list[Any]]]

_SUMMER = dt.datetime(2013, 7, 1, 5, 15, 0, 123456, tzinfo=dt.UTC)
_LATER = dt.datetime(2050, 1, 1, tzinfo=dt.UTC)

SCALARS: Values = {
    "flag": (pa.bool_(), [True, False]),
    "int8": (pa.int8(), [-128, 127]),
    "int16": (pa.int16(), [-(2**15), 2**15 - 1]),
    "int32": (pa.int32(), [-(2**31), 2**31 - 1]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1]),
    "uint8": (pa.uint8(), [0, 255]),
    "uint16": (pa.uint16(), [0, 2**16 - 1]),
    "uint32": (pa.uint32(), [0, 2**32 - 1]),
    "float32": (pa.float32(), [0.5, -1.25e10]),
    "float64": (pa.float64(), [0.1, -1e300]),
    "bytes": (pa.binary(), [b"", b"\x00\xff'\\\n"]),
    "word": (pa.string(), ["", "null"]),
}
DECIMALS: Values = {
    "money": (pa.decimal128(15, 2), [Decimal("1234567890123.45"), Decimal("-0.01")]),
    "exact": (pa.decimal128(38, 10), [Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.5")]),
    "whole": (pa.decimal128(20, 0), [Decimal(10**20 - 1), Decimal(-1)]),
}
MOMENTS_OF_TIME: Values = {
    "day": (pa.date32(), [dt.date(2013, 1, 31), dt.date(1815, 6, 18)]),
    "clock": (pa.time64("us"), [dt.time(23, 59, 59, 999999), dt.time(0)]),
    "naive": (pa.timestamp("us"), [dt.datetime(2013, 7, 1, 5, 15), dt.datetime(1969, 12, 31, 23, 59, 59, 1)]),  # noqa: DTZ001  # a wall clock has no zone
    "utc": (pa.timestamp("us", "UTC"), [_SUMMER, _LATER]),
    "oslo": (pa.timestamp("us", "Europe/Oslo"), [_SUMMER, _LATER]),
}  # fmt: skip
NESTED: Values = {
    "numbers": (pa.list_(pa.int64()), [[1, None, -2], []]),
    "words": (pa.list_(pa.string()), [['a"b', "c,d", "{}", ""], []]),
    "point": (pa.struct({"x": pa.int64(), "name": pa.string()}), [{"x": 1, "name": "å"}, {"x": None, "name": None}]),
    "points": (pa.list_(pa.struct({"x": pa.int64()})), [[{"x": 1}, {"x": None}], []]),
    "pairs": (pa.map_(pa.string(), pa.int64()), [[("a", 1), ("b", None)], []]),
}
TEXTS = (
    "",
    " ",
    "\t",
    "a'b\"c\\d;--",
    "a,b|c;d",
    "line\nline\r\nline",
    "æøå ÆØÅ",
    "日本語",
    "😀👩‍👩‍👧",
    "é e\u0301",
    "NULL",
    "\\N",
    "%s ? :a $1 {}",
)
LARGE = 3_000_000


def table_of(values: Values, *, rows: int = 3) -> pa.RecordBatch:
    """A column of each type: its values, and nulls in the other rows."""
    columns = {name: pa.array([*given, *[None] * rows][:rows], kind) for name, (kind, given) in values.items()}
    return pa.record_batch({"id": pa.array(range(rows), pa.int64())} | columns)


class WritingCases(SinkCases):
    """What is written is what is read."""

    @case(
        purpose="Rows that the sink has taken must be in the store.",
        way="Write three rows, commit, close; read the place back.",
        passes="The place holds these rows.",
        requirement="A committed row is in the store.",
    )
    def test_rows_come_back(self, harness: SinkHarness) -> None:
        assert_numbered(harness, write_all(harness, numbered(0, 3)), 3)

    @case(
        purpose="Filters leave empty batches behind; they must not disturb the rows around them.",
        way="Write an empty batch before, between and behind others, and make commits with nothing in them.",
        passes="The place holds the rows of the other batches.",
        requirement="A batch may have no rows, and a commit nothing to commit.",
    )
    def test_empty_batches(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        run = SinkRun(harness, sink)
        run.commit().write(numbered(0, 0)).write(numbered(0, 2)).write(numbered(2, 0)).commit()
        run.write(numbered(2, 0)).commit().write(numbered(2, 1)).end()
        assert_numbered(harness, sink, 3)

    @case(
        purpose="A source that finds nothing must not break the sink.",
        way="Make a run that writes no row at all.",
        passes="The place is empty, or not there.",
        requirement="A run may write nothing.",
    )
    def test_nothing_at_all(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        SinkRun(harness, sink).end()
        assert list(harness.rows(sink, NUMBERED)) == []

    @case(
        purpose="Long runs come in many batches and commits.",
        way="Write 150 batches of 0 to 6 rows with a commit behind every tenth.",
        passes="Each row is there once.",
        requirement="Any number of batches may come between commits, and of commits in a run.",
    )
    def test_many_batches(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        run = SinkRun(harness, sink)
        for number in range(150):
            run.write(numbered(run.position, number % 7))
            if number % 10 == 9:
                run.commit()
        run.end()
        assert_numbered(harness, sink, run.position)

    @case(
        purpose="Each value must arrive as it was, up to the ends of its type's range.",
        way="Write a column of each plain type with the least and the greatest value.",
        passes="The values are equal.",
        requirement="The sink changes no value.",
    )
    def test_plain_values(self, harness: SinkHarness) -> None:
        rows = table_of(SCALARS, rows=2)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="A null must stay a null: not 0, not an empty text, not a missing row.",
        way="Write a null in a column of each plain type, as the only value of a batch and among others.",
        passes="All nulls are nulls; the other values are equal.",
        requirement="Each column may hold nulls.",
    )
    def test_nulls(self, harness: SinkHarness) -> None:
        rows = table_of({**SCALARS, **DECIMALS, **MOMENTS_OF_TIME})
        sink = harness.sink(rows.schema)
        SinkRun(harness, sink).write(rows.slice(0, 2)).write(rows.slice(2)).end()
        assert_rows(harness, sink, rows)

    @case(
        purpose="Texts of any language, and signs that mean something to the store, must arrive unharmed.",
        way="Write texts with quotes, separators, line breaks, emoji and combining characters.",
        passes="Each text is equal, character by character.",
        requirement="Text is Unicode.",
    )
    def test_unicode(self, harness: SinkHarness) -> None:
        rows = pa.record_batch([pa.array(range(len(TEXTS)), pa.int64()), list(TEXTS)], NUMBERED)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="Money must not become a float on its way.",
        way="Write decimals with up to 38 digits.",
        passes="All digits are equal.",
        requirement="Decimals are exact.",
    )
    def test_decimals(self, harness: SinkHarness) -> None:
        rows = table_of(DECIMALS)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="A moment must stay the same moment, and a wall clock must not be moved.",
        way="Write dates, times, and timestamps without zone, in UTC and in another zone, with microseconds.",
        passes="Moments with a zone are the same moments; those without show the same time.",
        requirement="Times are exact to the microsecond and keep their meaning.",
    )
    def test_moments(self, harness: SinkHarness) -> None:
        rows = table_of(MOMENTS_OF_TIME)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="Documents have lists and records inside.",
        way="Write lists, structs, lists of structs and maps, with nulls at each level.",
        passes="They are equal.",
        requirement="Nested values are kept, in a form that can be read back.",
        needs=["nested"],
    )
    def test_nested(self, harness: SinkHarness) -> None:
        rows = table_of(NESTED)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="Real tables are wide.",
        way="Write rows of 200 columns.",
        passes="Each column has its values.",
        requirement="The number of columns is bounded by the store only.",
    )
    def test_wide(self, harness: SinkHarness) -> None:
        columns = {f"column_{number}": pa.array([number, None, -number], pa.int64()) for number in range(199)}
        rows = pa.record_batch({"id": pa.array(range(3), pa.int64())} | columns)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="One record may be far larger than its neighbours.",
        way="Write texts of three million characters among short ones.",
        passes="All of them are equal.",
        requirement="The size of a record is bounded by the store only.",
    )
    def test_large_records(self, harness: SinkHarness) -> None:
        texts = ["small", "x" * LARGE, "å" * (LARGE // 2), "small"]
        rows = pa.record_batch([pa.array(range(4), pa.int64()), texts], NUMBERED)
        assert_rows(harness, write_all(harness, rows), rows)

    @case(
        purpose="Columns need not come in the same order in each batch.",
        way="Write a batch, then one with its columns the other way round.",
        passes="Each value is in its column.",
        requirement="Columns go by their names.",
    )
    def test_columns_in_another_order(self, harness: SinkHarness) -> None:
        sink = write_all(harness, numbered(0, 2), numbered(2, 2).select(["text", "id"]))
        assert_numbered(harness, sink, 4)

    @case(
        purpose="A column that is missing in some rows must not shift or stop the others.",
        way="Write rows, then in the same run rows without one of the columns.",
        passes="The missing values are nulls.",
        requirement="A missing column is a column of nulls.",
    )
    def test_a_missing_column(self, harness: SinkHarness) -> None:
        sink = write_all(harness, numbered(0, 2), numbered(2, 1).select(["id"]))
        found = sorted(harness.rows(sink, NUMBERED), key=lambda row: row["id"])
        assert read_as(found, NUMBERED) == [*numbered(0, 2).to_pylist(), {"id": 2, "text": None}]

    @case(
        purpose="A single message can be written without a run, from a script or a test.",
        way="Write two messages by `write`, then `flush` and `close`.",
        passes="Both are in the place.",
        requirement="The easy way works on every sink.",
    )
    def test_single_messages(self, harness: SinkHarness) -> None:
        sink = harness.sink(NUMBERED)
        rows = numbered(0, 2)
        for row in rows.to_pylist() if "replace" not in self.capabilities else rows.to_pylist()[:1]:
            sink.write(row)
        sink.flush()
        sink.close()
        assert_numbered(harness, sink, 1 if "replace" in self.capabilities else 2)


__all__ = ["DECIMALS", "MOMENTS_OF_TIME", "NESTED", "SCALARS", "TEXTS", "WritingCases", "table_of"]
