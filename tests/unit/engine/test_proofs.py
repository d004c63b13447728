from __future__ import annotations

import json

import pytest

from active_data_flow import DataFlow, FileSource, Sink, SqlSink
from active_data_flow.engine import proofs
from active_data_flow.engine.pipeline import pipelines_of
from active_data_flow.engine.proofs import faults_of, in_words, merged, proof_of


def proof(sink="sql:sqlite:append", source="file:csv", guarantee="exactly-once", **faults):
    names = {name.replace("_", " "): count for name, count in faults.items()}
    return {"source": source, "sink": sink, "runtime": "local:threads", "guarantee": guarantee, "faults": names}


def test_proofs_of_the_same_combination_add_up_in_order():
    found = merged([proof("b", cuts=1), proof("a", freezes=2), proof("b", crash_points=9, cuts=2)])
    assert found == [proof("a", freezes=2), proof("b", crash_points=9, cuts=3)]
    assert list(found[1]["faults"]) == ["crash points", "cuts"]
    assert merged(found) == found


def test_a_part_has_stood_what_all_its_combinations_have():
    found = [proof("a", cuts=1), proof("b", cuts=2), proof("a", source="file:json_lines", cuts=4)]
    assert faults_of("source", "file:csv", found) == {"cuts": 3}
    assert faults_of("sink", "a", found) == {"cuts": 5}
    assert not faults_of("sink", "a", found, "at-least-once")


def test_words():
    assert in_words({"cuts": 3, "crash points": 10}) == "killed 10 times at crash points, cut off 3 times"


class Printing(Sink):
    def open(self, context):
        raise NotImplementedError


@pytest.fixture
def known(tmp_path, monkeypatch):
    path = tmp_path / "proofs.json"
    path.write_text(json.dumps({"proofs": [proof(crash_points=10)]}))
    monkeypatch.setattr(proofs, "PACKAGED", path)
    proofs.packaged.cache_clear()
    yield
    proofs.packaged.cache_clear()


def lines(source, sink):
    (pipeline,) = pipelines_of(DataFlow(name="f", source=source, sink=sink))
    return proof_of(pipeline)


def test_what_stands_behind_a_flow(known):
    sink = SqlSink(url="sqlite:///a.db", table="t")
    assert lines(FileSource(path="a.csv"), sink) == [
        "source file:csv: proved by crash tests: killed 10 times at crash points",
        "sink sql:sqlite:append: proved by crash tests: killed 10 times at crash points",
        "runtime local:threads: proved by crash tests: killed 10 times at crash points",
    ]


def test_what_others_bring_is_claimed(known):
    source, sink, _ = lines(FileSource(path="a.parquet"), Printing())
    assert source == "source file:parquet: claimed by the connector, not proved here"
    assert sink == "sink Printing: claimed by the connector, not proved here"


def test_another_guarantee_is_no_proof(known):
    class Weaker(SqlSink):
        delivery = Sink.delivery

    _, sink, _ = lines(FileSource(path="a.csv"), Weaker(url="sqlite:///a.db", table="t"))
    assert "not proved" in sink


def test_the_proofs_are_packaged():
    assert faults_of("sink", "sql:postgresql:append", proofs.packaged(), "exactly-once")["crash points"]
