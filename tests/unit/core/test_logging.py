from __future__ import annotations

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core import logging as adf_logging
from active_data_flow.core.batch import Reject
from active_data_flow.core.configuration import REDACTED
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.event_log import SHOWN_REJECTS, log_events
from active_data_flow.core.events import (
    BatchWritten,
    Checkpointed,
    Events,
    RecordRejected,
    Retrying,
    RunFinished,
    RunStarted,
    SplitAssigned,
    SplitFinished,
)
from active_data_flow.core.logging import context, get_logger, redact, set_up, tear_down


@pytest.fixture(autouse=True)
def undone(monkeypatch):
    monkeypatch.delenv("ADF_LOG", raising=False)
    yield
    tear_down()


@pytest.fixture
def lines():
    stream = io.StringIO()
    set_up("json", level="debug", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_context_is_bound_to_each_line(lines):
    logger = get_logger("prices", run="r1", connector="file").bind(split="a.csv")
    with context(request="q7"):
        logger.warning("odd", value=3)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "odd",
        "level": "warning",
        "flow": "prices",
        "run": "r1",
        "connector": "file",
        "split": "a.csv",
        "request": "q7",
        "value": 3,
    }


def test_each_flow_has_a_level_of_its_own(lines):
    get_logger("quiet", level="error").warning("not shown")
    get_logger("loud", level="debug").debug("shown")
    assert [line["flow"] for line in lines()] == ["loud"]


def test_secrets_are_never_shown(lines):
    try:
        int("postgresql://me:hunter2@db/x")
    except ValueError:
        get_logger("f").exception(
            "no connection to mysql://u:hunter2@h/x",
            url="postgresql://me:hunter2@db/x",
            password="hunter2",
            options={"api_key": "hunter2", "urls": ["redis://:hunter2@h"], "path": "a.csv"},
        )
    (line,) = lines()
    assert "hunter2" not in json.dumps(line)
    assert line["options"]["path"] == "a.csv"
    assert line["password"] == REDACTED
    assert "ValueError" in line["exception"]


@given(st.text(min_size=1, max_size=20, alphabet=st.characters(categories=["L", "N"])))
def test_a_password_in_an_address_is_redacted_wherever_it_stands(password):
    shown = redact({"deep": [{"text": f"see postgresql://user:{password}@host/db now"}]})
    assert shown == {"deep": [{"text": f"see postgresql://user:{REDACTED}@host/db now"}]}


def test_lines_are_for_people_or_for_programs(monkeypatch):
    stream = io.StringIO()
    set_up(stream=stream)
    get_logger("prices").info("run started", lanes=2, source=["a", "b"])
    line = stream.getvalue()
    assert 'level=info event="run started" flow=prices lanes=2' in line
    assert line.startswith("timestamp=20")

    monkeypatch.setenv("ADF_LOG", "console")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = io.StringIO()
    set_up(stream=stream)
    get_logger("prices").info("run started", lanes=2)
    assert "[info" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()

    monkeypatch.setenv("ADF_LOG", "json")
    stream = io.StringIO()
    set_up(stream=stream)
    get_logger("prices").info("run started", lanes=2)
    assert json.loads(stream.getvalue())["lanes"] == 2


def test_an_unknown_rendering_or_level_names_those_there_are(monkeypatch):
    monkeypatch.setenv("ADF_LOG", "xml")
    with pytest.raises(ConfigurationError, match="unknown log rendering 'xml'; there are console, json, keyvalue"):
        set_up()
    with pytest.raises(ConfigurationError, match="unknown log level 'loud'; there are debug"):
        get_logger("f", level="loud")


def test_without_set_up_the_application_decides(caplog):
    with caplog.at_level(logging.INFO, logger="active_data_flow.flows.prices"):
        get_logger("prices").info("run started", lanes=2)
        get_logger("other").info("not asked for")
    assert [record.name for record in caplog.records] == ["active_data_flow.flows.prices"]
    assert 'event="run started"' in caplog.records[0].getMessage()


def test_set_up_twice_writes_each_line_once():
    stream = io.StringIO()
    set_up("json", stream=stream)
    set_up("json", stream=stream)
    get_logger("f").info("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_a_closed_stream_does_not_fail_the_run(monkeypatch, capsys):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    set_up("json", stream=Closed())
    get_logger("f").info("lost")
    assert "BrokenPipeError" in capsys.readouterr().err


def run_events(events: Events) -> None:
    place = {"flow": "prices", "run_id": "r1"}
    events.emit(RunStarted(**place, epoch=3, guarantee="exactly-once", lanes=2, resumed_splits=1))
    events.emit(SplitAssigned(**place, split="a.csv", lane=0, position=10))
    events.emit(BatchWritten(**place, lane=0, records_read=5, records_written=4, bytes_read=50))
    for number in range(SHOWN_REJECTS + 3):
        reject = Reject({"a": number}, f"bad {number}", "RecordError", "schema", "a.csv", 10, "a")
        events.emit(RecordRejected(**place, reject=reject))
    events.emit(SplitFinished(**place, split="a.csv", lane=0))
    events.emit(Retrying(**place, attempt=1, pause=0.5, error="gone: postgresql://u:pw@h/d"))
    counts = {"records_read": 5, "records_written": 4, "records_rejected": 1, "bytes_read": 50}
    events.emit(Checkpointed(**place, **counts, seconds=0.01))
    events.emit(RunFinished(**place, result={"status": "success", "records_read": 5, "error": None, "metrics": {}}))


def test_events_become_lines(lines):
    events = Events()
    log_events(events, level="debug")
    run_events(events)
    found = lines()
    assert [line["event"] for line in found] == [
        "run started",
        "split assigned",
        *["record rejected"] * SHOWN_REJECTS,
        "further rejected records are counted without a line",
        "split finished",
        "retrying",
        "checkpoint",
        "run finished",
    ]
    assert all(line["flow"] == "prices" and line["run"] == "r1" for line in found)
    assert found[0] | {"guarantee": "exactly-once", "epoch": 3, "lanes": 2, "resumed_splits": 1} == found[0]
    assert found[2] | {"level": "warning", "error": "bad 0", "split": "a.csv", "field": "a"} == found[2]
    assert found[-3]["error"] == f"gone: postgresql://u:{REDACTED}@h/d"
    assert "error" not in found[-1]


def test_a_level_leaves_out_what_is_less_important(lines):
    events = Events()
    log_events(events, level="warning")
    run_events(events)
    assert {line["level"] for line in lines()} == {"warning"}


def test_a_failed_run_is_an_error(lines):
    events = Events()
    log_events(events, level="error")
    events.emit(RunFinished(flow="f", run_id="r", result={"status": "failed", "error": "disk full"}))
    (line,) = lines()
    assert (line["level"], line["error"]) == ("error", "disk full")


def test_the_root_logger_is_named_for_applications():
    assert adf_logging.ROOT == "active_data_flow"
