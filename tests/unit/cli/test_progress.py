from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from active_data_flow.cli.live import TerminalProgress
from active_data_flow.cli.plain import duration, size
from active_data_flow.cli.progress import Counts, PlainProgress, total_bytes
from active_data_flow.core.batch import Reject
from active_data_flow.core.events import BatchWritten, Checkpointed, RecordRejected, Retrying, RunFinished, RunStarted
from active_data_flow.core.logging import set_up, tear_down

PLACE = {"flow": "a_flow_with_a_rather_long_name_that_goes_on", "run_id": "r"}
COMMIT = {"records_read": 100, "records_written": 98, "records_rejected": 2, "bytes_read": 1000, "seconds": 0.1}


def batch(records: int, taken: int) -> BatchWritten:
    return BatchWritten(**PLACE, lane=0, records_read=records, records_written=records, bytes_read=taken)


def flow(*totals: int | None):
    sources = {str(index): SimpleNamespace(total_bytes=lambda total=total: total) for index, total in enumerate(totals)}
    return SimpleNamespace(name=PLACE["flow"], all_sources=sources, all_sinks={"": None})


def test_a_retry_goes_back_to_what_was_committed():
    counts = Counts()
    for event in (
        batch(100, 1000),
        Checkpointed(**PLACE, **COMMIT),
        batch(70, 700),
        RecordRejected(**PLACE, reject=Reject({}, "bad", "E", "read", "s")),
    ):
        counts.add(event)
    assert (counts.records, counts.bytes, counts.rejected) == (170, 1700, 1)
    counts.add(Retrying(**PLACE, attempt=1, pause=1, error="gone"))
    assert (counts.records, counts.bytes, counts.rejected, counts.retries) == (100, 1000, 2, 1)
    assert not counts.done
    counts.add(RunFinished(**PLACE))
    assert counts.done


@pytest.mark.parametrize("total", [None, 10**9, 10])
def test_the_display_fits_80_columns(total):
    progress = TerminalProgress(flow(total))
    progress(RunStarted(**PLACE, epoch=1, guarantee="exactly-once", lanes=4, resumed_splits=12))
    for event in (batch(123_456_789, 98_765_432), Checkpointed(**PLACE, **COMMIT)):
        progress(event)
    stream = io.StringIO()
    Console(file=stream, width=80, force_terminal=True, color_system=None).print(progress)
    lines = stream.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "123,456,789 records" in lines[1]
    assert "exactly-once, 4 lanes, resuming 12 splits" in lines[2]
    assert ("of 1.0 GB" in lines[1]) == (total == 10**9)


def test_a_retry_is_noted():
    progress = TerminalProgress(flow(None))
    progress(Retrying(**PLACE, attempt=2, pause=1.5, error="connection lost"))
    stream = io.StringIO()
    Console(file=stream, width=80).print(progress)
    assert "retry 2 in 1.5 s: connection lost" in stream.getvalue()


def test_lines_come_every_few_seconds():
    stream = io.StringIO()
    set_up("keyvalue", stream=stream)
    try:
        progress = PlainProgress(flow(None), every=0.0)
        with progress:
            progress(batch(100, 1000))
            progress(batch(100, 1000))
        rare = PlainProgress(flow(None), every=3600)
        rare(batch(1, 1))
    finally:
        tear_down()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "records_read=200" in lines[1]
    assert "records_per_second=" in lines[1]


def test_the_total_is_known_only_if_all_sources_know_it():
    assert total_bytes(flow(10, 20)) == 30
    assert total_bytes(flow(10, None)) is None
    assert total_bytes(SimpleNamespace(all_sources={"": object()}, all_sinks={"": None})) is None


def test_numbers_are_as_people_read_them():
    assert [size(number) for number in (999, 31_400_000, 10**13)] == ["999 B", "31.4 MB", "10.0 TB"]
    assert [duration(seconds) for seconds in (0.421, 12.34, 200, 7500)] == [
        "0.42 s",
        "12.3 s",
        "3 min 20 s",
        "2 h 05 min",
    ]


@given(st.floats(0, 10**7))
def test_a_duration_never_has_60_of_anything(seconds):
    shown = duration(seconds)
    assert not {"60", "60.0"} & set(shown.split())
