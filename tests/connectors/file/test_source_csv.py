"""CSV read by the file source: the records are those of Python's csv module, whatever the blocks and restarts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.file import FileSource
from active_data_flow.core.errors import ConfigurationError, SchemaError, SourceError
from file_reading import read, resumed, rows_of, write

SETTINGS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIELDS = st.text(alphabet=st.sampled_from(list('ab"\n\r,;é漢😀 1\t')), max_size=8)
TABLES = st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=12)
TEXTS = {"a": "string", "b": "string"}


def csv_text(rows: list[list[str]], line_end: str, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=line_end, delimiter=delimiter, quoting=quoting)
    writer.writerows([["a", "b"], *rows])
    return out.getvalue()


def expected(text: str, delimiter: str = ",") -> list[list[str]]:
    """The csv module's records with two fields; the others are rejected."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if len(row) == 2][1:]


@SETTINGS
@given(
    rows=TABLES,
    block=st.integers(1, 60),
    line_end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    cut=st.booleans(),
)
def test_any_block_size_gives_the_records_of_the_csv_module(tmp_path, rows, block, line_end, delimiter, cut) -> None:
    text = csv_text(rows, line_end, delimiter)
    text = text.removesuffix(line_end) if cut and rows[-1] != ["", ""] else text
    path = write(tmp_path, "t.csv", text)
    source = FileSource(path=path, schema=TEXTS, block_size=block, delimiter=delimiter)
    assert [list(row.values()) for row in rows_of(source)] == expected(text, delimiter)


@SETTINGS
@given(rows=TABLES, block=st.integers(1, 60), stop=st.integers(0, 12))
def test_any_restart_goes_on_at_the_next_record(tmp_path, rows, block, stop) -> None:
    text = csv_text(rows, "\n", quoting=csv.QUOTE_ALL)
    source = FileSource(path=write(tmp_path, "t.csv", text), schema=TEXTS, block_size=block)
    assert [list(row.values()) for row in resumed(source, stop)] == expected(text)


STRAY = st.lists(st.text(alphabet=st.sampled_from(list('ab",\n')), max_size=6), min_size=1, max_size=12)


@SETTINGS
@given(lines=STRAY, block=st.integers(1, 40))
@example(lines=['","'], block=1)
def test_quotes_inside_unquoted_fields_cut_no_record(tmp_path, lines, block) -> None:
    text = "a,b\n" + "\n".join(f"x{line}" if line.startswith('"') else line for line in lines) + '\n"z",z\n'
    source = FileSource(path=write(tmp_path, "t.csv", text), schema=TEXTS, block_size=block)
    whole = FileSource(path=write(tmp_path, "t.csv", text), schema=TEXTS)
    batches, all_at_once = read(source), read(whole)
    assert rows_of(source) == rows_of(whole)
    assert [r.error for b in batches for r in b.rejects] == [r.error for b in all_at_once for r in b.rejects]
    if not any("never closed" in r.error for b in all_at_once for r in b.rejects):
        assert [list(row.values()) for row in rows_of(whole)] == expected(text)


@SETTINGS
@given(
    rows=TABLES,
    block=st.integers(1, 60),
    encoding=st.sampled_from(["utf-16", "utf-16-le", "utf-8-sig", "utf-32", "gb18030"]),
)
def test_encodings_keep_exact_positions(tmp_path, rows, block, encoding) -> None:
    text = csv_text(rows, "\n", quoting=csv.QUOTE_ALL)
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    source = FileSource(path=str(path), schema=TEXTS, block_size=block, encoding=encoding)
    assert [list(row.values()) for row in resumed(source, 2)] == expected(text)


@SETTINGS
@given(
    rows=st.lists(st.tuples(st.integers(0, 99), st.text(alphabet="abé", max_size=5)), max_size=20),
    readers=st.integers(2, 5),
    step=st.integers(1, 50),
)
def test_ranges_own_every_record_once(tmp_path, rows, readers, step) -> None:
    text = "a,b\n" + "".join(f"{a},{b}x\n" for a, b in rows)
    path = write(tmp_path, "t.csv", text)
    source = FileSource(
        path=path, schema={"a": "int64", "b": "string"}, newlines_in_values=False, split_size=step, block_size=7
    )
    found = [row for batch in read(source, parallelism=readers) for row in batch.data.to_pylist()]
    key = lambda row: (row["a"], row["b"])  # noqa: E731
    assert sorted(found, key=key) == sorted(({"a": a, "b": f"{b}x"} for a, b in rows), key=key)


@pytest.mark.parametrize("ending", [".gz", ".zst", ".bz2"])
def test_compressed_files_resume_at_decompressed_bytes(tmp_path, ending) -> None:
    text = "a,b\n" + "".join(f"{n},{'y' * n}\n" for n in range(50))
    path = write(tmp_path, f"t.csv{ending}", text)
    source = FileSource(path=path, schema=TEXTS, block_size=50)
    assert [list(row.values()) for row in resumed(source, 3)] == expected(text)
    assert "it is compressed" in " ".join(FileSource(path=path, newlines_in_values=False, split_size=1).split_notes())


def test_a_cut_gzip_is_an_error_after_the_records_before(tmp_path) -> None:
    path = Path(write(tmp_path, "t.csv.gz", "a,b\n" + "".join(f"{n},{n * 7919}\n" for n in range(5000))))
    path.write_bytes(path.read_bytes()[:-100])
    seen = []
    batches = FileSource(path=str(path), block_size=1000).batches()
    with pytest.raises(SourceError, match=r"ends too early, after .* decompressed bytes; it was cut off"):
        seen.extend(row for batch in batches for row in batch.data.to_pylist())
    assert seen[0] == {"a": 0, "b": 0}
    assert len(seen) > 1000


def test_types_are_inferred_over_the_first_block_without_loss(tmp_path) -> None:
    header = "id,zip,big,price,day,at,zoned,ok,none\n"
    text = f"{header}1,01234,12345678901234567890,1.5,2020-01-02,2020-01-02 03:04:05,2020-01-02T03:04:05Z,true,\n"
    types = {item.name: str(item.type) for item in FileSource(path=write(tmp_path, "t.csv", text)).arrow_schema()}
    assert types == {
        "id": "int64",
        "zip": "string",
        "big": "string",
        "price": "double",
        "day": "date32[day]",
        "at": "timestamp[us]",
        "zoned": "timestamp[us, tz=UTC]",
        "ok": "bool",
        "none": "string",
    }


def test_declared_types_are_parsed_directly(tmp_path) -> None:
    text = "n,d,at,flag,tags\n1,12.50,31.01.2013 17:45,ja,x\n"
    source = FileSource(
        path=write(tmp_path, "t.csv", text),
        schema={"n": "int32", "d": "decimal(12,2)", "at": "timestamp[us]", "flag": "bool", "tags": "string"},
        timestamp_formats=["%d.%m.%Y %H:%M"],
        true_values=["ja"],
        false_values=["nein"],
    )
    row = rows_of(source)[0]
    assert (row["n"], str(row["d"]), row["at"].isoformat(), row["flag"]) == (1, "12.50", "2013-01-31T17:45:00", True)


BAD = (
    b"id,day,name\n1,2020-01-01,ok\nx,2020-01-01,letters\n99999999999999999999,2020-01-01,large\n"
    b"4,2020-13-01,day\n5,2020-01-01\n6,2020-01-01,a,b\n7,2020-01-01,\xff\n8,2020-01-01,n\x00l\n"
)


@pytest.mark.parametrize("block", [1, 40, 2**20])
def test_each_bad_record_is_rejected_with_its_place(tmp_path, block) -> None:
    path = write(tmp_path, "bad.csv", BAD)
    batches = read(FileSource(path=path, schema={"id": "int64", "day": "date", "name": "string"}, block_size=block))
    assert [row["id"] for batch in batches for row in batch.data.to_pylist()] == [1, 8]
    assert rows_of(FileSource(path=path, schema={"id": "int64"}))[-1]["name"] == "n\x00l"
    errors = [reject.error.removeprefix(f"{path}: ") for batch in batches for reject in batch.rejects]
    starts = [sum(map(len, BAD.splitlines(keepends=True)[:line])) for line in range(2, 8)]
    for line, (error, start, text) in enumerate(
        zip(
            errors,
            starts,
            [
                "field id: 'x' is no int64",
                "field id: '99999999999999999999' is no int64 (out of its range)",
                "field day: '2020-13-01' is no date; the expected form is 2013-01-31",
                "the record has 2 fields, and there are 3 columns; ragged_rows: fill",
                "the record has 4 fields, and there are 3 columns",
                f"the text is not valid utf-8 at byte {starts[5] + 13:,}",
            ],
            strict=True,
        ),
        start=3,
    ):
        assert error.startswith(f"line {line}, byte {start:,}: {text}")
    first = batches[0].rejects or next(batch.rejects for batch in batches if batch.rejects)
    assert (first[0].field, first[0].record, first[0].stage) == (
        "id",
        {"id": "x", "day": "2020-01-01", "name": "letters"},
        "read",
    )
    assert sum(batch.records_read for batch in batches) == 8


def test_inferred_types_name_the_remedy(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "a\n" + "1\n" * 600_000 + "1.5\nNA\n")
    rejects = [reject for batch in read(FileSource(path=path)) for reject in batch.rejects]
    assert (
        "line 600,002, byte 1,200,002: field a: '1.5' is no int64; the type was inferred over the first block"
        in rejects[0].error
    )
    assert "schema: {a: string?}" in rejects[0].error
    assert "add it to null_values" in rejects[1].error


def test_a_column_full_of_bad_values_is_rejected_row_by_row(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "a,b\n" + "".join(f"v{n},{n}\n" for n in range(2_000)))
    batches = read(FileSource(path=path, schema={"a": "int64", "b": "int64"}))
    assert sum(len(batch.rejects) for batch in batches) == 2_000


def test_ragged_rows_can_be_filled(tmp_path) -> None:
    source = FileSource(path=write(tmp_path, "t.csv", 'a,b,c\n1\n2,"x,y"\n3,y,z\n4,a,b,c\n'), ragged_rows="fill")
    assert rows_of(source) == [
        {"a": 1, "b": None, "c": None},
        {"a": 2, "b": "x,y", "c": None},
        {"a": 3, "b": "y", "c": "z"},
    ]


def test_nulls_and_empty_texts_are_told_apart(tmp_path) -> None:
    text = 'n,s,d\n"","",""\n,,\nNA,NA,NA\n"1","x","2020-01-01"\n'
    source = FileSource(
        path=write(tmp_path, "t.csv", text), schema={"n": "int64?", "d": "date?"}, null_values=["", "NA"]
    )
    assert [(row["n"], row["s"]) for row in rows_of(source)] == [(None, ""), (None, None), (None, None), (1, "x")]


def test_a_record_that_is_too_large_is_passed_over(tmp_path) -> None:
    text = "a,b\n1,x\n2," + "y" * 5_000_000 + "\n3,z\n"
    batches = read(FileSource(path=write(tmp_path, "t.csv", text), max_record_bytes=1_000_000, block_size=100_000))
    assert [row["a"] for batch in batches for row in batch.data.to_pylist()] == [1, 3]
    (reject,) = [reject for batch in batches for reject in batch.rejects]
    assert "line 3, byte 8: the record is larger than max_record_bytes" in reject.error
    assert len(reject.record) < 70_000


def test_a_line_of_100_mb_is_rejected_with_the_defaults(tmp_path) -> None:
    path = write(tmp_path, "t.csv", b"a,b\n1,x\n2," + b"y" * 100_000_000 + b"\n3,z\n")
    batches = read(FileSource(path=path))
    assert [row["a"] for batch in batches for row in batch.data.to_pylist()] == [1, 3]
    (reject,) = [reject for batch in batches for reject in batch.rejects]
    expected = f"{path}: line 3, byte 8: the record is larger than max_record_bytes (67,108,864); raise it"
    assert reject.error.startswith(expected)
    assert len(reject.record) <= 1000
    Path(path).unlink()


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path) -> None:
    batches = read(FileSource(path=write(tmp_path, "t.csv", 'a,b\n1,x\n2,"y\n3,z\n'), block_size=5))
    assert [row["a"] for batch in batches for row in batch.data.to_pylist()] == [1, 3]
    (reject,) = [reject for batch in batches for reject in batch.rejects]
    assert "line 3, byte 8: the record opens a quote that is never closed" in reject.error
    assert reject.record == '2,"y'


def test_without_line_breaks_in_values_an_open_quote_costs_its_line_only(tmp_path) -> None:
    path = write(tmp_path, "t.csv", 'a,b\n1,x\n2,"y\n3,"z"\n')
    batches = read(FileSource(path=path, newlines_in_values=False, schema={"a": "int64"}))
    assert [row["a"] for batch in batches for row in batch.data.to_pylist()] == [1, 3]
    assert "line 3, byte 8: a quoted field is not closed on its line" in batches[0].rejects[0].error


def test_a_wrong_delimiter_names_the_likely_one(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "a;b;c\n1;2;3\n")
    with pytest.raises(
        SourceError, match="one column with the delimiter ',', and 3 with a semicolon; say delimiter: ';'"
    ):
        FileSource(path=path).arrow_schema()
    assert rows_of(FileSource(path=path, delimiter=";")) == [{"a": 1, "b": 2, "c": 3}]


def test_empty_and_header_only_files_have_no_records(tmp_path) -> None:
    write(tmp_path, "a.csv", "")
    write(tmp_path, "b.csv", "x,y\n")
    write(tmp_path, "c.csv", "x,y\n1,2\n")
    source = FileSource(path=str(tmp_path))
    assert rows_of(source) == [{"x": 1, "y": 2}]
    assert all(batch.data.schema.names == ["x", "y"] for batch in read(source))


def test_later_files_are_mapped_by_their_headers(tmp_path) -> None:
    write(tmp_path, "1.csv", "a,b\n1,x\n")
    write(tmp_path, "2.csv", "b,extra,a\ny,2.5,2\n")
    write(tmp_path, "3.csv", "b\nz\n")
    assert rows_of(FileSource(path=str(tmp_path / "*.csv"))) == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y", "extra": 2.5},
        {"a": None, "b": "z"},
    ]
    with pytest.raises(SchemaError, match=r"3.csv: the schema wants a, and the file has b"):
        rows_of(FileSource(path=str(tmp_path / "*.csv"), schema={"a": "int64"}))


def test_headers_can_be_given_skipped_and_made_unique(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "made by x\n\na,a,\n1,2,3\n")
    assert rows_of(FileSource(path=path, skip_rows=1)) == [{"a": 1, "a_1": 2, "column_3": 3}]
    bare = write(tmp_path, "u.tsv", "1\t2\n3\t4\n")
    assert rows_of(FileSource(path=bare, header=False)) == [
        {"column_1": 1, "column_2": 2},
        {"column_1": 3, "column_2": 4},
    ]
    assert rows_of(FileSource(path=bare, header=False, columns=["x", "y"]))[1] == {"x": 3, "y": 4}
    with pytest.raises(SourceError, match="the header has 3 columns, and the option columns 1"):
        rows_of(FileSource(path=path, skip_rows=1, columns=["x"]))


def test_escapes_and_carriage_returns(tmp_path) -> None:
    path = write(tmp_path, "t.csv", 'a,b\n1,x\\,y\n2,"q\\"z\nw"\n')
    assert [row["b"] for row in rows_of(FileSource(path=path, escape="\\", block_size=4))] == ["x,y", 'q"z\nw']
    old = write(tmp_path, "u.csv", "a,b\r1,x\r2,y\r")
    assert rows_of(FileSource(path=old, block_size=5)) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": '"'}, "delimiter and quote are the same"),
        ({"encoding": "klingon"}, "is the name of a text encoding"),
        ({"delimter": ";"}, "did you mean delimiter"),
        ({"schema": {"a": "int46"}}, "int64"),
        ({"follow": True, "unterminated": "read"}, "unterminated"),
    ],
)
def test_bad_options_say_what_is_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FileSource(path="x.csv", **options)
