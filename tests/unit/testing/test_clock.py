from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import SinkUnavailableError
from active_data_flow.core.events import Events, Retrying
from active_data_flow.core.policies import RetryPolicy
from active_data_flow.core.run import Budget
from active_data_flow.runtimes.local import LocalRuntime
from active_data_flow.testing import FakeClock, ScriptedSource, TransactionalMemorySink


def test_time_passes_only_when_it_is_told_to_or_slept_on():
    clock = FakeClock(datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    clock.advance(30)
    clock.sleep(3600)
    assert clock.monotonic() == 3630
    assert clock.now() == datetime(2026, 3, 1, 1, 0, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_a_wait_ends_at_an_event_and_else_takes_a_step_at_least():
    clock, event = FakeClock(step=2), threading.Event()
    assert not clock.wait(event, 0.1)
    assert not clock.wait(event, 60)
    assert clock.monotonic() == 62
    event.set()
    assert clock.wait(event, 60)
    assert clock.monotonic() == 62


def test_a_retry_policy_of_minutes_takes_no_time(tmp_path):
    clock, sink, seen = FakeClock(), TransactionalMemorySink(), []
    sink.where.fail_commits = 4
    policy = RetryPolicy(attempts=5, backoff="1m", max_backoff="5m")
    flow = DataFlow(name="away", source=ScriptedSource(script={"a": [{"n": 1}]}), sink=sink, retry=policy)
    events = Events(lambda event: seen.append(event.pause) if isinstance(event, Retrying) else None)
    runtime = LocalRuntime(tmp_path, events=events, clock=clock)
    result = runtime.runner(flow).run(Budget())
    assert (result.retries, sink.rows) == (4, [{"n": 1}])
    assert all(low <= pause <= high for pause, (low, high) in zip(seen, BOUNDS, strict=True))
    assert result.seconds == pytest.approx(sum(seen))
    sink.where.fail_commits = 5
    runtime.store.reset("away")
    sink.reset("away")
    with pytest.raises(SinkUnavailableError):
        runtime.runner(flow).run(Budget())
    failed, done = runtime.store.runs()
    assert done.started == "2026-01-01T00:00:00.000+00:00"
    assert (
        done.ended
        == failed.started
        == (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(seen[:4]))).isoformat(timespec="milliseconds")
    )
    assert done.run_id.startswith("20260101T000000-")
    runtime.close()


BOUNDS = [(30, 60), (60, 120), (120, 240), (150, 300)]
