"""Commands on what runs leave behind: runs, checkpoint, rejects."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

FLOW = "numbers_for_test.py"


def test_looking_creates_nothing(adf):
    for command in (["runs"], ["checkpoint", "show", FLOW], ["rejects", "list", FLOW]):
        failed = adf(*command)
        assert failed.code == 2
        assert "no flow has run with its checkpoints in .adf yet" in failed.text
    assert not Path(".adf").exists()


class TestRuns:
    def test_newest_first_with_what_they_did(self, adf):
        adf("run", FLOW)
        adf("run", FLOW, "--from-start", "--set", "bad=3", "--set", "on_error.reject=false")
        shown = adf("runs")
        assert shown.code == 0
        rows = [line for line in shown.out.splitlines() if "numbers" in line and ":" in line]
        assert ["failed" in rows[0], "success" in rows[1]] == [True, True]
        assert "3 is bad" in shown.text

    def test_an_error_is_shown_until_a_later_run_has_made_it_good(self, adf):
        adf("run", FLOW, "--set", "bad=3", "--set", "on_error.reject=false")
        assert "numbers, error of the last run" in adf("runs").text
        adf("run", FLOW)
        assert "3 is bad" not in adf("runs").text

    def test_json_and_choice_of_flow(self, adf):
        adf("run", FLOW)
        adf("run", "listed.yaml", "--import", "numbers_for_test")
        assert [run["flow"] for run in json.loads(adf("runs", "--json").out)] == ["listed", "numbers"]
        (run,) = json.loads(adf("runs", "numbers", "--json").out)
        assert (run["flow"], run["status"], run["records_written"]) == ("numbers", "success", 10)
        assert len(json.loads(adf("runs", FLOW, "--json").out)) == 1

    def test_a_run_whose_process_is_gone_is_lost(self, adf):
        adf("run", FLOW)
        with closing(sqlite3.connect(".adf/state.db")) as database:
            database.execute("UPDATE runs SET status = 'running', pid = 2147483646")
            database.commit()
        assert "lost" in adf("runs").out


class TestCheckpoint:
    def test_shows_each_split_with_its_position(self, adf):
        adf("run", FLOW)
        shown = adf("checkpoint", "show", FLOW)
        assert shown.code == 0
        assert "finished" in shown.out
        (pipeline,) = json.loads(adf("checkpoint", "show", FLOW, "--json").out)["pipelines"]
        assert pipeline["splits"]["all"]["position"] == 10

    def test_after_a_reset_everything_is_read_again(self, adf):
        adf("run", FLOW)
        reset = adf("checkpoint", "reset", FLOW)
        assert reset.code == 0
        assert f"next: adf run {FLOW}" in reset.out
        assert "nothing is committed yet" in adf("checkpoint", "show", FLOW).out
        assert json.loads(adf("run", FLOW, "--json").out.splitlines()[-1])["records_written"] == 10


class TestRejects:
    @pytest.fixture(autouse=True)
    def run(self, adf):
        adf("run", FLOW, "--set", "bad=3", "--quiet")

    def test_are_counted_by_kind(self, adf):
        shown = adf("rejects", "list", FLOW)
        assert shown.code == 0
        assert "3 is bad" in shown.text
        assert '{"id": 3, "name": "n3"}' in shown.text
        assert f"adf rejects replay {FLOW}" in shown.text
        listed = json.loads(adf("rejects", "list", "numbers", "--json").out)
        assert [group["records"] for group in listed["groups"]] == [1]
        assert listed["rejects"][0]["record"] == {"id": 3, "name": "n3"}

    def test_are_shown_whole(self, adf):
        shown = adf("rejects", "show", FLOW, "1")
        assert shown.code == 0
        for part in ("rejected record 1", "transform", '"name": "n3"', "version 1", "all"):
            assert part in shown.text
        assert json.loads(adf("rejects", "show", FLOW, "--json").out)[0]["id"] == 1

    def test_one_that_is_not_there_is_named(self, adf):
        failed = adf("rejects", "show", FLOW, "1", "77")
        assert failed.code == 2
        assert "no open rejected record 77" in failed.text

    def test_are_replayed_after_a_fix(self, adf):
        replayed = adf("rejects", "replay", FLOW, "--json")
        assert replayed.code == 0, replayed.err
        result = json.loads(replayed.out.splitlines()[-1])
        assert (result["records_read"], result["records_written"]) == (1, 1)
        assert Path("out.txt").read_text().splitlines()[-1] == "3 n3"
        assert "no rejected records" in adf("rejects", "list", FLOW).out
        nothing = adf("rejects", "replay", FLOW)
        assert nothing.code == 1
        assert "no open rejected records" in nothing.text

    def test_that_fail_again_are_said_so(self, adf):
        again = adf("rejects", "replay", FLOW, "--set", "bad=3")
        assert "1 records again" in again.out
        assert f"next: adf rejects list {FLOW}" in again.out

    def test_are_discarded_only_when_asked_for(self, adf, monkeypatch):
        refused = adf("rejects", "discard", FLOW)
        assert refused.code == 2
        assert f"adf rejects discard {FLOW} --yes" in refused.text

        monkeypatch.setattr("sys.stdin", Terminal("n\n"))
        assert adf("rejects", "discard", FLOW).code == 1
        assert "3 is bad" in adf("rejects", "list", FLOW).text

        monkeypatch.setattr("sys.stdin", Terminal("y\n"))
        done = adf("rejects", "discard", FLOW)
        assert done.code == 0
        assert "1 rejected records discarded" in done.out
        assert adf("rejects", "discard", FLOW, "--yes").code == 0

    def test_single_ones_are_discarded_by_number(self, adf):
        assert adf("rejects", "discard", FLOW, "1", "--yes", "--json").code == 0
        assert "no rejected records" in adf("rejects", "list", FLOW).out


class Terminal(io.StringIO):
    def isatty(self):
        return True
