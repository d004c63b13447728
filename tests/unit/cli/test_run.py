from __future__ import annotations

import json
from pathlib import Path

import pytest

from active_data_flow.core.events import Events

FLOW = "numbers_for_test.py"
NEEDED = {
    "flow",
    "run_id",
    "status",
    "records_read",
    "records_written",
    "records_rejected",
    "bytes_read",
    "seconds",
    "guarantee",
}


def last(outcome):
    return json.loads(outcome.out.splitlines()[-1])


def test_a_run_tells_what_it_did_and_where_the_result_is(adf):
    done = adf("run", FLOW)
    assert done.code == 0
    assert "numbers: done" in done.out
    for line in ("10 records", "at-least-once", "file out.txt", "cat out.txt"):
        assert line in done.out
    assert Path("out.txt").read_text().splitlines()[0] == "0 n0"


def test_a_second_run_finds_nothing_new_and_says_how_to_begin_anew(adf):
    adf("run", FLOW)
    again = adf("run", FLOW)
    assert (again.code, len(Path("out.txt").read_text().splitlines())) == (0, 10)
    assert f"nothing new; to begin anew: adf run {FLOW} --from-start" in again.out
    assert adf("run", FLOW, "--from-start").code == 0
    assert len(Path("out.txt").read_text().splitlines()) == 20


def test_json_is_the_last_line_and_has_everything(adf):
    done = adf("run", FLOW, "--json", "--set", "bad=3")
    result = last(done)
    assert done.code == 0
    assert result.keys() >= NEEDED
    assert (result["status"], result["records_read"], result["records_written"], result["records_rejected"]) == (
        "success",
        10,
        9,
        1,
    )
    assert "record rejected" in done.err


def test_json_is_printed_of_a_failed_run_too(adf):
    failed = adf("run", FLOW, "--json", "--set", "bad=3", "--set", "on_error.reject=false")
    result = last(failed)
    assert failed.code == 1
    assert result.keys() >= NEEDED | {"error"}
    assert (result["flow"], result["status"]) == ("numbers", "failed")
    assert "3 is bad" in result["error"]
    assert result["run_id"]


def test_json_is_printed_of_a_bad_configuration_too(adf):
    failed = adf("run", "nothing.yaml", "--json")
    result = last(failed)
    assert failed.code == 2
    assert result.keys() >= NEEDED | {"error"}
    assert (result["status"], result["flow"]) == ("failed", "nothing.yaml")
    assert "No such file" in result["error"]


def test_a_failure_is_one_block_that_says_what_where_and_what_next(adf):
    failed = adf("run", FLOW, "--set", "bad=3", "--set", "on_error.reject=false", "--quiet")
    assert failed.code == 1
    assert failed.out == ""
    assert "3 is bad" in failed.text
    assert "where flow numbers" in failed.text
    assert f"adf preview {FLOW}" in failed.text
    assert "Traceback" not in failed.err
    assert max(len(line) for line in failed.err.splitlines() if "╭" in line or "│" in line) <= 80


def test_verbose_adds_the_traceback(adf):
    failed = adf("run", FLOW, "--set", "bad=3", "--set", "on_error.reject=false", "--verbose")
    assert "Traceback" in failed.err
    assert "3 is bad" in failed.err.partition("Traceback")[2]


def test_a_budget_that_is_used_up_is_no_failure(adf):
    paused = adf("run", FLOW, "--budget", "5records", "--set", "source.number=40000", "--json")
    assert paused.code == 0
    assert last(paused)["status"] == "paused"
    rest = adf("run", FLOW, "--set", "source.number=40000", "--json")
    assert last(paused)["records_written"] + last(rest)["records_written"] == 40000


def test_rejected_records_are_pointed_at(adf):
    done = adf("run", FLOW, "--set", "bad=3", "--directory", "state")
    assert "1 records; see them: adf rejects list numbers_for_test.py --directory state" in done.text.replace("  ", " ")
    assert Path("state/state.db").exists()
    assert not Path(".adf").exists()


def test_quiet_says_nothing_at_all(adf):
    done = adf("run", FLOW, "--quiet", "--set", "bad=3")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_document_uses_what_an_imported_module_registers(adf):
    done = adf("run", "listed.yaml", "--import", "numbers_for_test", "--set", "source.number=2")
    assert done.code == 0
    assert Path("listed.txt").read_text() == "0 n0\n1 n1\n"


def test_parallelism_is_an_option_of_its_own(adf):
    assert "lanes=3" in adf("run", FLOW, "--parallelism", "3").err
    assert adf("run", FLOW, "--parallelism", "0").code == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["run", FLOW, "--budget", "soon"], "a budget is a time, a number of records or a size"),
        (["run", FLOW, "--wait", "soon"], "--wait soon: is a time"),
        (["run", FLOW, "--set", "bad"], "--set bad: is given as path=value"),
        (["run", FLOW, "--set", "source.numbr=1"], "did you mean number?"),
        (["run", FLOW, "--set", "source.number=[1"], "line 1, column"),
        (["run", "listed.yaml"], "unknown source 'count'"),
        (["run", FLOW + ":Numbrs"], "did you mean Numbers?"),
        (["run", FLOW, "--import", "no_such_module_at_all"], "there is no module 'no_such_module_at_all'"),
        (["run", "nothing.yaml"], "adf new flow NAME"),
    ],
)
def test_a_bad_configuration_is_named_and_nothing_is_run(adf, arguments, error):
    failed = adf(*arguments)
    assert failed.code == 2
    assert error in failed.text
    assert not Path("out.txt").exists()


def test_two_runs_at_once_are_refused_with_the_remedy(adf):
    from active_data_flow.runtimes.local import LocalRuntime

    runtime = LocalRuntime(".adf", Events())
    with runtime.store.acquire("numbers"):
        refused = adf("run", FLOW)
    runtime.close()
    assert refused.code == 1
    assert f"adf run {FLOW} --wait 60s" in refused.text


def test_what_was_not_foreseen_is_shown_without_a_traceback(adf, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("active_data_flow.runtimes.local.LocalRuntime.runner", broken)
    failed = adf("run", FLOW)
    assert failed.code == 1
    assert "ZeroDivisionError: division by zero" in failed.text
    assert "--verbose" in failed.text
    assert "Traceback" not in failed.err


def test_a_second_interrupt_ends_at_once_and_says_that_nothing_is_lost(adf, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("active_data_flow.runtimes.local.LocalRuntime.runner", interrupted)
    ended = adf("run", FLOW, "--json")
    assert ended.code == 130
    assert last(ended)["status"] == "interrupted"
    assert "the next run goes on from the last checkpoint" in ended.text


def test_lanes_in_processes_load_the_file_of_the_flow_again(adf):
    done = adf("run", FLOW, "--set", "lanes=processes", "--set", "bad=3", "--json")
    assert done.code == 0, done.err
    assert (last(done)["records_written"], last(done)["records_rejected"]) == (9, 1)


def test_a_password_is_never_shown(adf, monkeypatch):
    Path("secret.yaml").write_text(
        "name: s\nsource: {type: count}\nsink: {type: lines, path: 'postgresql://me:hunter2@db/x/y'}\n"
    )
    failed = adf("run", "secret.yaml", "--import", "numbers_for_test", "--json")
    assert failed.code == 1
    assert "hunter2" not in failed.out + failed.err


def test_metrics_need_their_extra_only_when_asked_for(adf):
    assert adf("run", FLOW, "--metrics", "--quiet").code == 0
