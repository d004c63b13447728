"""Files that are not what the flow expects: named with line, byte and field; good records are written, none is lost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flow_folder import TABLE

GOOD = "id,name\n1,a\n2,b\n"
ROWS = [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]
TYPED = {"schema": {"id": "int64", "name": "string"}}
REJECT = {"on_error": {"reject": True}}


class TestNothingToRead:
    @pytest.mark.parametrize(
        ("path", "message"),
        [
            ("in.csv", "in.csv: there is no such file; say allow_empty: true where that is fine"),
            ("in/*.csv", "in/*.csv: no file matches; say allow_empty: true where that is fine"),
            ("in/", "in/: no file matches; say allow_empty: true where that is fine"),
        ],
    )
    def test_is_an_error_till_there_is_something(self, folder, path, message):
        (folder.path / "in").mkdir()
        folder.flow({"path": path}).fails(message)
        for command, code in (("check", 2), ("preview", 1)):
            outcome = folder.adf(command)
            assert (outcome.code, message in outcome.text) == (code, True), outcome.output
        folder.put(path if path == "in.csv" else "in/new.csv", GOOD).succeeds()
        assert folder.rows() == ROWS

    def test_is_fine_where_the_flow_says_so(self, folder):
        (folder.path / "in").mkdir()
        folder.flow({"path": "in/*.csv", "allow_empty": True})
        assert folder.succeeds()["records_read"] == 0
        folder.put("in/new.csv", GOOD).succeeds()
        assert folder.rows() == ROWS

    @pytest.mark.parametrize("content", ["", "id,name\n", "id,name"], ids=["empty", "header", "header without end"])
    @pytest.mark.parametrize("schema", [{}, TYPED], ids=["inferred", "schema"])
    def test_a_file_without_records_is_read_when_it_has_some(self, folder, content, schema):
        folder.put("in.csv", content).flow(schema.copy())
        assert folder.succeeds()["records_read"] == 0
        if not schema:
            assert "no records" in folder.adf("preview").text
            assert folder.adf("check").code == 0
        assert folder.rows() == []
        folder.put("in.csv", GOOD)
        assert folder.succeeds()["records_read"] == 2
        assert folder.rows() == ROWS
        assert folder.succeeds()["records_read"] == 0


class TestWrongDelimiter:
    @pytest.mark.parametrize("schema", [{}, TYPED], ids=["inferred", "schema"])
    @pytest.mark.parametrize(("sign", "said"), [(";", "delimiter: ';'"), ("\t", "delimiter: '\\t'")])
    def test_is_told_with_the_right_one(self, folder, schema, sign, said):
        folder.put("in.csv", GOOD.replace(",", sign)).flow(schema.copy())
        folder.fails("in.csv: the first line", "is one column with the delimiter ','", said)
        assert folder.adf("check").code == 2
        assert folder.adf("preview").code == 1
        assert folder.rows() == []
        folder.flow({"delimiter": sign, **schema}).succeeds()
        assert folder.rows() == ROWS


BAD_RECORDS = {
    "invalid UTF-8": (
        b"3,\xff\xfeb\n", {}, ["line 4, byte 16", "not valid utf-8 at byte 18", "encoding: latin-1"], None, b"3,bb\n"
    ),
    "number that overflows": (
        b"99999999999999999999999,c\n", TYPED, ["line 4, byte 16: field id", "no int64 (out of its range)"], "id",
        b"3,c\n",
    ),
    "small number that overflows": (
        b"40000,c\n", {"schema": {"id": "int16", "name": "string"}}, ["field id: '40000' is no int16"], "id", b"3,c\n"
    ),
    "no number": (b"three,c\n", TYPED, ["line 4, byte 16: field id: 'three' is no int64"], "id", b"3,c\n"),
    "date in the wrong form": (
        b"3,01/02/2013\n", {"schema": {"id": "int64", "name": "date?"}, "null_values": ["a", "b"]},
        ["line 4, byte 16: field name: '01/02/2013' is no date; the expected form is 2013-01-31"], "name",
        b"3,2013-02-01\n",
    ),
    "day that is not in the calendar": (
        b"3,2013-02-30\n", {"schema": {"id": "int64", "name": "date?"}, "null_values": ["a", "b"]},
        ["field name: '2013-02-30' is no date"], "name", b"3,2013-02-28\n",
    ),
    "too many fields": (b"3,c,d\n", {}, ["line 4, byte 16", "3 fields"], None, b"3,c\n"),
    "quote that does not end": (b'3,"c\n', {}, ["line 4, byte 16", "quote"], None, b'3,"c"\n'),
}  # fmt: skip


@pytest.fixture(params=BAD_RECORDS)
def bad_record(request):
    return BAD_RECORDS[request.param]


class TestBadRecords:
    def test_fail_the_run_and_name_the_place_till_they_are_mended(self, folder, bad_record):
        line, source, messages, _, mended = bad_record
        folder.put("in.csv", GOOD.encode() + line).flow(source.copy())
        outcome = folder.fails("in.csv", *messages, "on_error: {reject: true}")
        assert outcome.json["records_written"] == 0
        assert folder.rows() == []
        folder.put("in.csv", GOOD.encode() + mended)
        assert folder.succeeds()["records_written"] == 3
        assert [row["id"] for row in folder.rows()] == ["1", "2", "3"]

    def test_are_set_aside_and_the_rest_is_written(self, folder, bad_record):
        line, source, messages, field, _ = bad_record
        after = b"" if b'"' in line else b"4,e\n" if "null_values" not in source else b"4,2013-01-01\n"
        folder.put("in.csv", GOOD.encode() + line + after).flow(source.copy(), **REJECT)
        result = folder.succeeds()
        good = ["1", "2", *(["4"] if after else [])]
        assert [row["id"] for row in folder.rows()] == good
        assert (result["records_written"], result["records_rejected"]) == (len(good), 1)
        (reject,) = folder.rejects()
        for message in messages:
            assert message in reject["error"]
        assert (reject["stage"], reject["field"], reject["split_id"]) == ("read", field, "in.csv")
        assert "c" in json.dumps(reject["record"]) or "3" in json.dumps(reject["record"])
        assert folder.succeeds()["records_read"] == 0
        assert len(folder.rejects()) == 1

    def test_are_told_by_a_preview_beside_the_good_ones(self, folder):
        outcome = folder.put("in.csv", GOOD + "x,c\n").flow(TYPED).adf("preview")
        assert outcome.code == 0
        assert "in.csv: line 4, byte 16: field id: 'x' is no int64" in outcome.text
        assert not (folder.path / ".adf").exists()

    def test_more_than_the_limit_fail_the_run(self, folder):
        folder.put("in.csv", GOOD + "x,c\ny,d\nz,e\n").flow(TYPED, on_error={"reject": True, "max_rejects": 2})
        folder.fails("more than max_rejects 2 records were rejected: 3 x RecordError in id", "field id: 'z'")
        assert folder.rows() == []
        folder.flow(TYPED, on_error={"reject": True, "max_rejects": 3}).succeeds()
        assert folder.rows() == ROWS
        assert len(folder.rejects()) == 3


class TestNulBytes:
    CONTENT = b"id,name\n1,a\n2,b\x00c\n3,d\n"

    def test_are_kept_by_files_and_by_sqlite(self, folder):
        folder.put("in.csv", self.CONTENT).flow(None, TABLE).succeeds()
        assert folder.table() == [(1, "a"), (2, "b\0c"), (3, "d")]
        folder.flow(name="to-a-file").succeeds()
        assert (folder.path / "out.csv").read_bytes().count(b"b\x00c") == 1

    def test_are_rejected_where_postgresql_can_not_hold_them(self, folder, postgres, postgres_url):
        folder.put("in.csv", self.CONTENT).flow(None, TABLE | {"url": postgres_url}, **REJECT).succeeds()
        rows = postgres.run_sql("SELECT * FROM t ORDER BY id", postgres_url.rpartition("/")[2])
        assert rows == [(1, "a"), (3, "d")]
        (reject,) = folder.rejects()
        assert (reject["field"], reject["record"]) == ("name", {"id": 2, "name": "b\0c"})
        assert "invalid byte sequence" in reject["error"]


MEASURED = """
import sys
from active_data_flow.cli import main
code = main(sys.argv[1:])
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in /proc")
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_line_of_100_mb_is_set_aside_in_little_memory(folder, form):
    def line(number, name):
        return b'{"id":%d,"name":"%s"}\n' % (number, name) if form == "jsonl" else b'%d,"%s"\n' % (number, name)

    lines = [line(number, b"y" * 100_000_000 if number == 500 else b"n%d" % number) for number in range(1000)]
    folder.put(f"in.{form}", b"".join([b"" if form == "jsonl" else b"id,name\n", *lines]))
    folder.flow({"path": f"in.{form}"}, TABLE, **REJECT)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "run", "flow.yaml", "--quiet"],
        cwd=folder.path,
        check=False,
        capture_output=True,
        text=True,
    )
    (folder.path / f"in.{form}").unlink()
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 400_000, "kB at most"
    assert folder.table("id, name") == [(number, f"n{number}") for number in range(1000) if number != 500]
    (reject,) = folder.rejects()
    number = 501 if form == "jsonl" else 502
    assert f"line {number}, byte" in reject["error"]
    assert "larger than max_record_bytes (67,108,864); raise it" in reject["error"]
    assert reject["record"].startswith('500,"yyy' if form == "csv" else '{"id":500,"name":"yyy')
    assert len(reject["record"]) <= 1000
