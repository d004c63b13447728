"""Rejected records after a fix: replayed once, from where they were rejected, with the types that they had."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from flow_folder import TABLE

IDS = range(10)
CONTENT = "id,day,amount\n" + "".join(f"{number},2013-01-{number + 1:02},{number}.25\n" for number in IDS)
FLOW = """
from active_data_flow import DataFlow, ErrorPolicy
from active_data_flow.connectors.file import FileSink, FileSource
from active_data_flow.connectors.sql import SqlSink

class Years(DataFlow):
    name = "bad"
    source = FileSource(path="in.csv")
    sink = SINK
    on_error = ErrorPolicy(reject=True)

    def transform(self, message):
        if message["id"] in BAD:
            raise ValueError(f"{message['id']} is no good")
        return message | {"month": message["day"].month, "amount": message["amount"] * 2}
"""
SINKS = {"file": 'FileSink(path="out.csv")', "sqlite": 'SqlSink(url="sqlite:///out.db", table="t")'}


def write_flow(folder, sink, bad):
    folder.put("flow.py", FLOW.replace("SINK", SINKS[sink]).replace("BAD", repr(set(bad))))


def written(folder, sink):
    if sink == "sqlite":
        return folder.table("id, amount, month")
    return sorted((int(row["id"]), float(row["amount"]), int(row["month"])) for row in folder.rows())


def statuses(folder):
    with closing(sqlite3.connect(folder.path / ".adf/state.db")) as connection:
        return [status for (status,) in connection.execute("SELECT status FROM rejects ORDER BY id")]


def test_what_the_source_could_not_read_is_read_with_the_types_that_it_has_after_the_fix(folder):
    rejecting = {"transforms": [{"type": "filter", "where": "id > 0"}], "on_error": {"reject": True}}
    folder.put("in.csv", "id,amount\n1,2\n").flow({"path": "*.csv"}, TABLE, **rejecting)
    assert folder.succeeds()["records_written"] == 1
    folder.put("more.csv", "id,amount\n2,many\n-3,few\n")
    assert folder.succeeds()["records_rejected"] == 2
    assert folder.adf("rejects replay").code == 0
    assert [reject["error"] for reject in folder.rejects()] == [
        "amount: 'many' does not fit int64",
        "amount: 'few' does not fit int64",
    ]
    folder.flow({"path": "*.csv", "schema": {"amount": "string?"}}, {"type": "file", "path": "out.csv"}, **rejecting)
    replayed = folder.adf("rejects replay")
    assert replayed.code == 0, replayed.output
    assert "2 rejected records replayed written 1 records" in replayed.text
    assert folder.rows() == [{"id": "2", "amount": "many"}]
    assert folder.rejects() == []


@pytest.mark.parametrize("lanes", ["threads", "processes"])
@pytest.mark.parametrize("sink", SINKS)
def test_after_a_fix_they_arrive_once(folder, sink, lanes):
    expected = [(number, number * 2 + 0.5, 1) for number in IDS]
    folder.put("in.csv", CONTENT)
    write_flow(folder, sink, {2, 5, 7})
    arguments = ("--set", f"lanes={lanes}")
    assert folder.adf("run", *arguments, flow="flow.py").code == 0
    assert written(folder, sink) == [row for row in expected if row[0] not in {2, 5, 7}]
    listed = json.loads(folder.adf("rejects list", "--json", flow="flow.py").output)
    assert [reject["record"]["id"] for reject in listed["rejects"]] == [2, 5, 7]
    assert listed["rejects"][0]["error"] == "2 is no good (at flow.py:14)"
    write_flow(folder, sink, {7})
    replayed = folder.adf("rejects replay", *arguments, flow="flow.py")
    assert replayed.code == 0, replayed.output
    assert "3 rejected records replayed written 2 records rejected 1 records again" in replayed.text
    assert written(folder, sink) == [row for row in expected if row[0] != 7]
    assert statuses(folder) == ["replayed", "replayed", "replayed", "open"]
    write_flow(folder, sink, set())
    assert folder.adf("rejects replay", flow="flow.py").code == 0
    assert written(folder, sink) == expected
    nothing = folder.adf("rejects replay", flow="flow.py")
    assert (nothing.code, "has no open rejected records" in nothing.text) == (1, True)
    assert folder.adf("run", flow="flow.py").code == 0
    assert written(folder, sink) == expected


@pytest.mark.parametrize("point", ["before-commit", "after-commit", "after-save"])
def test_a_replay_that_is_killed_doubles_nothing(folder, point):
    expected = [(number, number * 2 + 0.5, 1) for number in IDS]
    folder.put("in.csv", CONTENT)
    write_flow(folder, "sqlite", {1, 2, 3})
    assert folder.adf("run", flow="flow.py").code == 0
    write_flow(folder, "sqlite", set())
    assert folder.adf("rejects replay", flow="flow.py", crash_at=f"{point}:1").code == -9
    assert folder.adf("rejects replay", flow="flow.py").code == 0
    assert written(folder, "sqlite") == expected
    assert statuses(folder) == ["replayed"] * 3


def test_what_the_sink_refused_goes_to_the_sink_as_it_was(folder):
    folder.put("in.csv", "id,price\n1,1\n2,60\n3,3\n")
    folder.sql("CREATE TABLE t (id INT, price INT CHECK (price < 100))")
    doubled = [{"type": "sql", "query": "select id, price * 2 as price from batch"}]
    folder.flow(None, TABLE, transforms=doubled, on_error={"reject": True}).succeeds()
    assert folder.table() == [(1, 2), (3, 6)]
    (reject,) = folder.rejects()
    assert (reject["stage"], reject["record"]) == ("write", {"id": 2, "price": 120})
    assert "CHECK constraint failed" in reject["error"]
    folder.sql("ALTER TABLE t RENAME TO old", "CREATE TABLE t (id INT, price INT)", "INSERT INTO t SELECT * FROM old")
    assert folder.adf("rejects replay").code == 0
    assert folder.table() == [(1, 2), (2, 120), (3, 6)]
    assert folder.rejects() == []


def test_a_step_goes_on_behind_those_that_were_passed(folder):
    folder.put("in.csv", "id,price\n1,2\n2,x\n")
    steps = [
        {"type": "rename", "columns": {"price": "cost"}},
        {"type": "cast", "columns": {"cost": "int64"}},
        {"type": "sql", "query": "select id, cost + 1 as cost from batch"},
    ]
    text = {"schema": {"id": "int64", "price": "string"}}
    folder.flow(text, TABLE, transforms=steps, on_error={"reject": True}).succeeds()
    assert folder.table() == [(1, 3)]
    (reject,) = folder.rejects()
    assert (reject["stage"], reject["record"], reject["passed"]) == ("transform", {"id": 2, "cost": "x"}, 1)
    steps[1] = {"type": "sql", "query": "select id, coalesce(try_cast(cost as bigint), 0) as cost from batch"}
    folder.flow(text, TABLE, transforms=steps, on_error={"reject": True})
    assert folder.adf("rejects replay").code == 0
    assert folder.table() == [(1, 3), (2, 1)]


def test_a_wider_type_takes_what_did_not_fit(folder):
    folder.put("in.csv", "id,name\n1,a\n3000000000,b\n")
    folder.flow(None, TABLE, schema={"id": "int32", "name": "string"}, on_error={"reject": True}).succeeds()
    folder.flow(None, TABLE, schema={"id": "int64", "name": "string"}, on_error={"reject": True})
    assert folder.adf("rejects replay").code == 0
    assert folder.table() == [(1, "a"), (3_000_000_000, "b")]


def test_text_that_could_not_be_parsed_is_told_to_be_corrected_and_can_be_discarded(folder):
    folder.put("in/1.csv", b"id,name\n1,a\n2,\xff\n")
    folder.flow({"path": "in/*.csv"}, TABLE, on_error={"reject": True}).succeeds()
    replayed = folder.adf("rejects replay")
    assert replayed.code == 1
    assert "put them, corrected, into a new file that the source reads" in replayed.text
    folder.put("in/2.csv", "id,name\n2,b\n").succeeds()
    asked = folder.adf("rejects discard")
    assert (asked.code, "nothing was discarded" in asked.text) == (2, True)
    assert len(folder.rejects()) == 1
    assert "1 rejected records discarded" in folder.adf("rejects discard", "--yes").text
    assert folder.rejects() == []
    assert statuses(folder) == ["discarded"]
    assert folder.adf("rejects replay").code == 1
    assert folder.table() == [(1, "a"), (2, "b")]
