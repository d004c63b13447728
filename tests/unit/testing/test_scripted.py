from __future__ import annotations

import pickle

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ConfigurationError, SourceError, SourceUnavailableError
from active_data_flow.core.events import Checkpointed, Events, SplitAssigned
from active_data_flow.core.policies import CheckpointPolicy, ErrorPolicy
from active_data_flow.core.run import Budget, RunStatus
from active_data_flow.engine.budget import Stop
from active_data_flow.engine.coordinator import Coordinator
from active_data_flow.engine.stores.memory import MemoryStore
from active_data_flow.testing import FakeClock, MemorySink, ScriptedSource, TransactionalMemorySink


def numbers(count: int, start: int = 0) -> list[dict[str, int]]:
    return [{"n": number} for number in range(start, start + count)]


def run(source: ScriptedSource, budget: Budget | None = None, **options):
    """Result, rows, and the fake time at each event of a run."""
    clock, seen, sink = FakeClock(), [], TransactionalMemorySink()
    flow = DataFlow(name="scripted", source=source, sink=sink, **options)
    events = Events(lambda event: seen.append((clock.monotonic(), event)))
    result = Coordinator(flow, MemoryStore(), events, Stop(), clock=clock).run(budget or Budget())
    return result, [row["n"] for row in sink.rows], seen


def times(seen, kind) -> list[float]:
    return [at for at, event in seen if isinstance(event, kind)]


def test_a_pause_lets_the_time_of_the_run_pass():
    source = ScriptedSource(script={"a": [*numbers(1), "pause 10m", *numbers(1, 1)]})
    result, rows, seen = run(source, checkpoint=CheckpointPolicy(every="5m"))
    assert rows == [0, 1]
    assert times(seen, Checkpointed) == pytest.approx([300, 600, 600], abs=2)  # in the pause, after it, at the end
    assert result.seconds == pytest.approx(600, abs=2)


def test_the_budget_of_an_hour_ends_in_the_middle_of_the_data():
    source = ScriptedSource(script={"a": [*numbers(1), "pause 50m", *numbers(1, 1), "pause 20m", *numbers(1, 2)]})
    result, rows, _ = run(source, Budget(seconds=3600))
    assert (result.status, rows) == (RunStatus.PAUSED, [0, 1])
    assert result.seconds == pytest.approx(3600, abs=2)


def test_an_idle_endless_source_uses_up_its_budget():
    result, rows, seen = run(
        ScriptedSource(script={"a": numbers(3)}, endless=True),
        Budget(seconds=3600),
        checkpoint=CheckpointPolicy(every=60),
        parallelism=2,
    )
    assert rows == [0, 1, 2]
    [committed] = times(seen, Checkpointed)
    assert 60 <= committed <= 120, "not before its time; the idle lane moves the clock on while the other one works"
    assert result.seconds == pytest.approx(3600, abs=2)


@pytest.mark.parametrize("endless", [False, True])
def test_the_end_may_come_inside_the_data(endless):
    source = ScriptedSource(script={"a": [*numbers(2), "end", "broken"]}, endless=endless)
    result, rows, _ = run(source, Budget(until_caught_up=True))
    assert (result.status, rows) == (RunStatus.SUCCESS, [0, 1])


def test_what_is_found_later_is_read_in_the_same_run():
    script = {"a": [*numbers(2), "end"], "b": numbers(2, 10)}
    result, rows, seen = run(ScriptedSource(script=script, endless=True, later={"b": 1}), Budget(until_caught_up=True))
    assert (result.status, rows) == (RunStatus.SUCCESS, [0, 1, 10, 11])
    assert [event.split for _, event in seen if isinstance(event, SplitAssigned)] == ["a", "b"]


def test_what_the_source_cannot_read_is_rejected():
    source = ScriptedSource(script={"a": [*numbers(1), "unreadable", *numbers(1, 1)]})
    result, rows, _ = run(source, on_error=ErrorPolicy(reject=True))
    assert (result.records_read, result.records_rejected, rows) == (3, 1, [0, 1])


def test_failures_of_one_source_are_not_those_of_another():
    for _ in range(2):
        source = ScriptedSource(script={"a": ["unavailable", *numbers(1)]})
        with pytest.raises(SourceUnavailableError):
            list(source.each())
        assert pickle.loads(pickle.dumps(source)) == source
        result, rows, _ = run(source)
        assert (result.retries, rows) == (0, [0])  # it has been met


def test_a_broken_step_is_met_at_its_place():
    with pytest.raises(SourceError) as error:
        run(ScriptedSource(script={"a": [*numbers(3), "broken"]}))
    assert error.value.position == 3


def test_later_records_may_have_more_fields():
    source = ScriptedSource(script={"a": [{"n": 1}, {"n": 2, "m": 3}]})
    assert [dict(message) for message in source.each()] == [{"n": 1, "m": None}, {"n": 2, "m": 3}]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"script": {"a": ["unavaliable"]}}, "there is no step 'unavaliable'; there are idle, unavailable"),
        ({"script": {"a": ["pause long"]}}, 'is a time, as "30s"'),
        ({"script": {"a": [5]}}, "a step is a record or a word, not 5"),
        ({"script": {"a": []}, "later": {"a": 1}}, "only an endless source"),
    ],
)
def test_a_script_that_cannot_be_is_refused(options, error):
    with pytest.raises(ConfigurationError, match=error):
        ScriptedSource(**options)


def test_sinks_hold_their_own_rows():
    one, two = MemorySink(), MemorySink()
    one.write({"n": 1})
    assert (one.rows, two.rows) == ([{"n": 1}], [])
    copy = pickle.loads(pickle.dumps(one))
    copy.write({"n": 2})
    assert one.rows == [{"n": 1}, {"n": 2}]
    assert MemorySink.build(one.to_options()).rows == one.rows
