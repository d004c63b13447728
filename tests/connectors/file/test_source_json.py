"""JSON lines and JSON arrays: the records are those of Python's json module, whatever the blocks and restarts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.file import FileSource
from active_data_flow.core.errors import SourceError
from file_reading import read, resumed, rows_of, write

SETTINGS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.text(alphabet=st.sampled_from(list('ab"\\{}[],: \n\té😀')), max_size=8)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"n": st.integers(-(2**40), 2**40), "t": st.none() | TEXTS, "l": st.lists(TEXTS, max_size=2)}
    ),
    min_size=1,
    max_size=10,
)
TYPES = {"n": "int64", "t": "string?", "l": "list<string?>?"}


@SETTINGS
@given(records=RECORDS, block=st.integers(1, 80), stop=st.integers(1, 5), ascii_only=st.booleans(), end=st.booleans())
def test_lines_in_any_blocks_and_runs(tmp_path, records, block, stop, ascii_only, end) -> None:
    text = "\n".join(json.dumps(record, ensure_ascii=ascii_only) for record in records) + "\n" * end
    source = FileSource(path=write(tmp_path, "t.jsonl", text), schema=TYPES, block_size=block)
    assert resumed(source, stop) == records


@SETTINGS
@given(
    records=RECORDS,
    block=st.integers(1, 80),
    stop=st.integers(1, 5),
    indent=st.sampled_from([None, 0, 2]),
    separators=st.sampled_from([(",", ":"), (" ,  ", " : ")]),
)
def test_arrays_in_any_blocks_and_runs(tmp_path, records, block, stop, indent, separators) -> None:
    text = json.dumps(records, ensure_ascii=False, indent=indent, separators=separators)
    source = FileSource(path=write(tmp_path, "t.json", text), schema=TYPES, block_size=block)
    assert resumed(source, stop) == records


@SETTINGS
@given(records=RECORDS, step=st.integers(1, 120), block=st.integers(1, 80))
def test_ranges_own_every_line_once(tmp_path, records, step, block) -> None:
    numbered = [record | {"n": number} for number, record in enumerate(records)]
    path = write(tmp_path, "t.jsonl", "".join(json.dumps(record) + "\n" for record in numbered))
    source = FileSource(path=path, schema=TYPES, split_size=step, block_size=block)
    found = [row for batch in read(source, parallelism=3) for row in batch.data.to_pylist()]
    assert sorted(found, key=lambda row: row["n"]) == numbered


@pytest.mark.parametrize("block", [1, 2**20])
def test_each_bad_line_is_rejected_with_its_place(tmp_path, block) -> None:
    lines = ['{"a":1}', '{"a":', "", "[1]", '{"a":"x"}', '{"a":99999999999999999999}', '{"a":7}', '{"a":8,"a":9}']
    path = write(tmp_path, "t.jsonl", "\n".join(lines).encode() + b'\n{"a":1,"b":"\xff"}\n')
    batches = read(FileSource(path=path, schema={"a": "int64"}, block_size=block))
    assert [row["a"] for batch in batches for row in batch.data.to_pylist()] == [1, 7, 9]
    errors = [reject.error.removeprefix(f"{path}: ") for batch in batches for reject in batch.rejects]
    assert errors == [
        "line 2, byte 8: the record is no JSON: Expecting value at byte 13",
        "line 4, byte 15: the record is no JSON object but an array",
        "line 5, byte 19: field a: 'x' is no int64",
        "line 6, byte 29: field a: 99999999999999999999 is no int64 (out of its range)",
        "line 9, byte 78: the text is not valid UTF-8 at byte 90; give the file's encoding, as encoding: latin-1",
    ]
    assert [reject.field for batch in batches for reject in batch.rejects] == [None, None, "a", "a", None]


def test_types_are_inferred_and_texts_take_anything(tmp_path) -> None:
    lines = [
        {"n": 1, "x": 1.5, "s": "t", "day": "2020-01-02", "at": "2020-01-02T03:04:05Z", "none": None, "in": {"a": [1]}},
        {"n": 2, "s": "u", "none": 12345678901234567890.5, "in": {"a": [2], "b": "new"}, "more": True},
    ]
    path = write(tmp_path, "t.ndjson", json.dumps(lines[0]) + "\n")
    types = {item.name: str(item.type) for item in FileSource(path=path).arrow_schema()}
    assert (types["day"], types["at"], types["none"]) == ("date32[day]", "timestamp[us, tz=UTC]", "string")
    Path(path).write_text("\n".join(json.dumps(line) for line in lines))
    rows = rows_of(FileSource(path=path, block_size=1))
    assert rows[1]["none"] == "1.2345678901234567E+19"
    assert (rows[1]["in"], rows[1]["more"], rows[1]["x"]) == ({"a": [2], "b": "new"}, True, None)


def test_decimals_keep_their_digits(tmp_path) -> None:
    path = write(tmp_path, "t.jsonl", '{"d":12345678901234567.89,"s":1}\n{"d":"0.10","s":"x"}\n{"d":1.234,"s":"y"}\n')
    batches = read(FileSource(path=path, schema={"d": "decimal(20,2)", "s": "string"}))
    assert [str(row["d"]) for row in batches[0].data.to_pylist()] == ["12345678901234567.89", "0.10"]
    assert "line 3" in batches[0].rejects[0].error
    assert batches[0].rejects[0].field == "d"


def test_dates_are_read_from_texts(tmp_path) -> None:
    path = write(tmp_path, "t.jsonl", '{"d":"2020-01-02"}\n{"d":null}\n{"d":"tomorrow"}\n')
    (batch,) = read(FileSource(path=path, schema={"d": "date?"}))
    assert [str(row["d"]) for row in batch.data.to_pylist()] == ["2020-01-02", "None"]
    assert "field d: 'tomorrow' is no date; the expected form is 2013-01-31" in batch.rejects[0].error


def test_bad_elements_of_an_array_are_rejected_one_by_one(tmp_path) -> None:
    path = write(tmp_path, "t.json", '[\n{"a":1},\n{"a":"x"},\n{"a":},\n5,\n{"a":2} {"a":3},\n{"a":4}\n]\n')
    batches = read(FileSource(path=path, schema={"a": "int64"}))
    assert [row["a"] for batch in batches for row in batch.data.to_pylist()] == [1, 4]
    errors = [reject.error.removeprefix(f"{path}: ") for batch in batches for reject in batch.rejects]
    assert [error.split(":")[0] for error in errors] == [
        "line 3, byte 11",
        "line 4, byte 22",
        "line 5, byte 30",
        "line 6, byte 33",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a":1},\n{"a":2', "line 2, byte 10: the array ends too early, at byte 16, in the element that starts here"),
        ('[{"a":1},{"a":2}', "line 1, byte 9: the array ends too early, at byte 16, in the element that starts here"),
        ('[{"a":1}]x', "something behind the array's closing bracket"),
        ('[{"a":1},]', "an element is expected behind the comma"),
        ('{"a":1}', "this is no JSON array but an object; if there is one a line, say format: json_lines"),
        ('[{"a":"' + "x" * 5000, "larger than max_record_bytes"),
    ],
)
def test_malformed_arrays_are_errors_behind_the_good_elements(tmp_path, text, message) -> None:
    path = write(tmp_path, "t.json", text)
    rows = []
    options = {"format": "json_array", "schema": {"a": "int64?"}, "max_record_bytes": 1000, "block_size": 8}
    batches = FileSource(path=path, **options).batches()
    with pytest.raises(SourceError, match=message):
        rows.extend(row for batch in batches for row in batch.data.to_pylist())
    assert not rows or rows[0] == {"a": 1}
    assert rows or not text.startswith('[{"a":1}')


@pytest.mark.parametrize("text", ["", "  \n", "[]", " [ \n ] \n"])
def test_empty_arrays_have_no_records(tmp_path, text) -> None:
    assert rows_of(FileSource(path=write(tmp_path, "t.json", text), format="json_array")) == []


def test_json_of_either_kind_is_told_by_its_first_character(tmp_path) -> None:
    write(tmp_path, "1.json", '\n {"a":1}\n{"a":2}\n')
    write(tmp_path, "2.json.gz", '[{"a":3}]')
    assert rows_of(FileSource(path=str(tmp_path))) == [{"a": 1}, {"a": 2}, {"a": 3}]
