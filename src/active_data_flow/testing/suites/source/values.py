"""Cases: values come as they were stored, whatever they are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.source.cases import SourceCases
from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.tables import numbered, table

TEXTS = [
    "",
    " ",
    " both ends ",
    "grüße, 漢字, עברית",
    "e\u0301 is not é",
    "😀🏳️‍🌈",
    "two\nlines\r\nand\ta tab",
    "'single' \"double\" `back` \\ $1 %s {x} ?1 :name",
    "a,b;c|d",
    "NULL",
    "null",
    "NA",
    "\\N",
    "0012",
    "1e5",
    "true",
    "2024-02-30",
    "\ufeffmark",
    "<&>\u2028\u00a0\u200b",
]
_DECIMALS = ["0.00", "0.10", "-0.01", "99999999999999999999.99", "-12345678901234567890.12", "1.50"]
_MOMENTS = [
    dt.datetime(1971, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2024, 3, 31, 0, 59, 59, 999999, tzinfo=dt.UTC),
    dt.datetime(2024, 3, 31, 1, 0, 0, 1, tzinfo=dt.UTC),
    dt.datetime(2024, 10, 27, 0, 30, tzinfo=dt.UTC),
    dt.datetime(2024, 10, 27, 1, 30, tzinfo=dt.UTC),
    dt.datetime(2037, 12, 31, 23, 59, 59, 500000, tzinfo=dt.UTC),
]
_LARGE = 2**20


class ValueCases(SourceCases):
    """Records of all kinds."""

    @case(
        purpose="Tables with many columns lose some, or are read in hours.",
        way="Store records of 300 columns, numbers and texts in turn.",
        passes="Each value is what it was.",
        requirement="The number of columns is not limited.",
    )
    def test_wide_tables(self, harness: SourceHarness) -> None:
        columns = {f"c{n}": [n if n % 2 else f"t{n}", None, -n if n % 2 else ""] for n in range(300)}
        self.typed(self.keeps(harness, table(columns)), table(columns))

    @case(
        purpose="Texts are changed, cut, or taken for something else.",
        way="Store texts of many scripts, with quotes, line breaks and delimiters, and such that look like something "
        "else, under column names that do the same.",
        passes="Each text is what it was, the empty one and null apart.",
        requirement="A text is passed on as it is.",
    )
    def test_unicode(self, harness: SourceHarness) -> None:
        stored = table({"word": [*TEXTS, None], "größe, 漢": [None, *TEXTS], "a b": [*TEXTS[::-1], "x"]})
        self.typed(self.keeps(harness, stored, poll_rows=4), stored)

    @case(
        purpose="A null becomes an empty text or a zero, or changes the type of its column.",
        way="Store columns of every type the source keeps: null at first, then a value, then null again; one is null "
        "throughout. Read them in small batches.",
        passes="Nulls stay null, values stay what they were, and types stay the same from batch to batch.",
        requirement="Null is told from every value, and says nothing about the type.",
    )
    def test_nulls_in_every_type(self, harness: SourceHarness) -> None:
        columns = {name: [None, None, value, None] for name, value in self._values().items()}
        stored = table({**columns, "never": [None] * 4}, never=pa.string(), **self._types())
        self.typed(self.keeps(harness, stored, poll_rows=1), stored)

    @case(
        purpose="Numbers lose digits on their way through a float, or overflow.",
        way="Store the largest and smallest whole numbers, and floats that need all their digits.",
        passes="Each number is what it was.",
        requirement="int64 and float64 are exact.",
    )
    def test_numbers_at_their_limits(self, harness: SourceHarness) -> None:
        whole = [2**63 - 1, -(2**63), 2**53 + 1, 0, None]
        floats = [0.1 + 0.2, 1.7976931348623157e308, 2.2250738585072014e-308, -1e-7, 123456789.123456789]
        stored = table({"whole": whole, "float": floats, "flag": [True, False, None, True, False]})
        self.typed(self.keeps(harness, stored), stored)

    @case(
        purpose="Days and times are shifted, cut, or read as text.",
        way="Store days and times without a zone, far back, far ahead and with microseconds.",
        passes="Each is what it was, and so is its type.",
        requirement="Times without a zone are passed on without one.",
        needs=["typed"],
    )
    def test_days_and_times(self, harness: SourceHarness) -> None:
        days = [dt.date(1000, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31), None]
        times = [moment.replace(tzinfo=None) for moment in _MOMENTS[:2]]
        stored = table({"day": days, "at": [dt.datetime(1001, 1, 1), *times, None]})  # noqa: DTZ001  # without a zone
        self.typed(self.keeps(harness, stored), stored)

    @case(
        purpose="Amounts of money change by a cent.",
        way="Store decimals with more digits than a float has.",
        passes="Each is what it was, with precision and scale.",
        requirement="Decimals keep their digits.",
        needs=["decimal"],
    )
    def test_decimals(self, harness: SourceHarness) -> None:
        amounts = [*map(Decimal, _DECIMALS), None]
        stored = table({"amount": amounts}, amount=pa.decimal128(22, 2))
        batches = self.keeps(harness, stored)
        found = [str(row["amount"]) for row in _by_id(batches)]
        assert found == [*_DECIMALS, "None"], f"stored {_DECIMALS}, read {found}"
        self.typed(batches, stored)

    @case(
        purpose="Moments are shifted by the offset of some time zone.",
        way="Store moments around the changes of summer time, in UTC and in another zone.",
        passes="Each is the same moment, to the microsecond, and has a zone.",
        requirement="A moment is passed on as a moment.",
        needs=["zoned"],
    )
    def test_time_zones(self, harness: SourceHarness) -> None:
        berlin = [moment.astimezone(ZoneInfo("Europe/Berlin")) for moment in _MOMENTS]
        zoned = {"utc": pa.timestamp("us", "UTC"), "berlin": pa.timestamp("us", "Europe/Berlin")}
        batches = self.keeps(harness, table({"utc": _MOMENTS, "berlin": berlin}, **zoned))
        found = [value for row in _by_id(batches) for value in (row["utc"], row["berlin"])]
        assert all(value.tzinfo is not None for value in found), f"moments without a zone: {found}"

    @case(
        purpose="Bytes are taken for text.",
        way="Store every byte, bytes that are no UTF-8, and none.",
        passes="They are what they were.",
        requirement="Bytes are passed on as they are.",
        needs=["binary"],
    )
    def test_bytes(self, harness: SourceHarness) -> None:
        stored = table({"raw": [bytes(range(256)), b"", b"\xff\xfe", b"\\x00", None]})
        self.typed(self.keeps(harness, stored), stored)

    @case(
        purpose="Lists and records inside records are flattened, cut or written as text.",
        way="Store lists, records, lists of records and lists of lists, empty ones and nulls at every depth.",
        passes="Each value is what it was.",
        requirement="Nested values are passed on as they are.",
        needs=["nested"],
    )
    def test_nested_values(self, harness: SourceHarness) -> None:
        stored = table(
            {
                "numbers": [[1, None, 3], [], None],
                "place": [{"name": "x", "at": {"x": 1, "y": None}}, {"name": None, "at": None}, None],
                "lines": [[{"sku": "a", "tags": ["p", None]}, None], [{"sku": None, "tags": []}], None],
                "matrix": [[[1], []], [None, [2, 3]], []],
            }
        )
        self.typed(self.keeps(harness, stored, poll_rows=1), stored)

    @case(
        purpose="A large record is cut, or holds up what comes behind it.",
        way="Store a text of a million characters among small ones.",
        passes="Each record is what it was.",
        requirement="A record may be larger than a batch usually is.",
    )
    def test_large_records(self, harness: SourceHarness) -> None:
        words = ["small", "x" * _LARGE, "é\n" * (_LARGE // 4), "small again"]
        self.keeps(harness, table({"word": words}))

    @case(
        purpose="A table is created, or a plan shown, with columns that the data then doesn't have.",
        way="Ask the source for its schema, and compare it with each batch.",
        passes="They are the same, in the order of the columns too.",
        requirement="`arrow_schema` says what the batches will have.",
        needs=["typed"],
    )
    def test_known_schema(self, harness: SourceHarness) -> None:
        harness.store(numbered(6))
        source = self.source(harness, poll_rows=2)
        schema = source.arrow_schema()
        assert schema is not None, "the source is typed, and arrow_schema gives None"
        for batch in self.batches(source):
            assert batch.data.schema.equals(schema), f"arrow_schema: {schema}\na batch: {batch.data.schema}"

    @case(
        purpose="A column that only newer records have is lost, or stops the run.",
        way="Store a part with a further column behind one without it, and one without a column behind both.",
        passes="Each value comes; where a record has none, it is null.",
        requirement="Columns may come and go within a source.",
        needs=["evolving"],
    )
    def test_columns_come_and_go(self, harness: SourceHarness) -> None:
        later = numbered(3, first=4).append_column("extra", pa.array([1.5, None, -2.0]))
        last = numbered(2, first=7).drop_columns(["half"])
        self.keeps(harness, numbered(4), later, last, poll_rows=2)

    def typed(self, batches: list[Batch], stored: pa.Table) -> None:
        """Where the source keeps types: hold every batch to them."""
        if "typed" not in self.capabilities:
            return
        for batch in batches:
            for field in stored.schema:
                found = batch.data.schema.field(field.name).type
                assert found == field.type, f"column {field.name!r}: stored as {field.type}, read as {found}"

    def _values(self) -> dict[str, Any]:
        """A value of every type that the source keeps."""
        values: dict[str, Any] = {"whole": 7, "float": 2.5, "word": "w", "flag": True}
        for capability, more in _MORE_VALUES.items():
            if capability in self.capabilities:
                values |= more
        return values

    def _types(self) -> dict[str, pa.DataType]:
        types = {"amount": pa.decimal128(22, 2), "moment": pa.timestamp("us", "UTC")}
        return {name: kind for name, kind in types.items() if name in self._values()}


_MORE_VALUES: dict[str, dict[str, Any]] = {
    "typed": {"day": dt.date(2024, 2, 29), "at": dt.datetime(2024, 2, 29, 10, 11, 12, 13)},  # noqa: DTZ001  # no zone
    "decimal": {"amount": Decimal("1.50")},
    "zoned": {"moment": _MOMENTS[1]},
    "binary": {"raw": b"\x00\xff"},
    "nested": {"numbers": [1, None], "place": {"name": "x", "at": [1.5]}},
}


def _by_id(batches: list[Batch]) -> list[dict[str, Any]]:
    return sorted((row for batch in batches for row in batch.data.to_pylist()), key=lambda row: row["id"])


__all__ = ["TEXTS", "ValueCases"]
