from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import SourceError
from active_data_flow.core.events import Checkpointed, Events, RunFinished, RunStarted
from active_data_flow.core.run import Budget, RunStatus
from active_data_flow.runtimes.local import LocalRuntime
from active_data_flow.testing import MemorySink, ScriptedSource, TransactionalMemorySink, place


def flow_of(name: str, steps: list, **options) -> DataFlow:
    # names of this file's own: places in memory are the process's
    source = ScriptedSource(script={"a": steps}, key=f"local-{name}", **options)
    return DataFlow(name=name, source=source, sink=TransactionalMemorySink(place=f"local-{name}"))


def numbers(count: int) -> list[dict[str, int]]:
    return [{"n": number} for number in range(count)]


def test_runs_are_recorded_with_what_they_did(tmp_path):
    runtime = LocalRuntime(tmp_path / ".adf")
    runtime.runner(flow_of("recorded", numbers(6))).run(Budget())
    with pytest.raises(SourceError):
        runtime.runner(flow_of("recorded_failing", [*numbers(1), "broken"])).run(Budget())
    failed, done = runtime.store.runs()
    assert (done.flow, done.status, done.result["records_written"]) == ("recorded", "success", 6)
    assert failed.status == "failed"
    assert "the script says so" in failed.result["error"]
    runtime.close()


def test_from_start_reads_everything_again(tmp_path):
    runtime = LocalRuntime(tmp_path)
    runner = runtime.runner(flow_of("again", numbers(3)))
    runner.run(Budget())
    assert runner.run(Budget()).records_read == 0
    assert runner.run(Budget(), from_start=True).records_read == 3
    assert len(place("local-again").rows) == 6
    runtime.close()


def test_events_tell_the_story_of_a_run(tmp_path):
    seen = []
    runtime = LocalRuntime(tmp_path, events=Events(seen.append))
    runtime.runner(flow_of("told", numbers(4))).run(Budget())
    kinds = [type(event).__name__ for event in seen]
    assert kinds[0] == "SplitAssigned" or isinstance(seen[0], RunStarted)
    assert isinstance(seen[-1], RunFinished)
    assert sum(event.records_written for event in seen if isinstance(event, Checkpointed)) == 4
    assert {event.run_id for event in seen} == {seen[-1].result["run_id"]}
    runtime.close()


def test_a_flow_runs_in_a_thread_where_there_are_no_signals(tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(flow_of("thread", numbers(2)).run(directory=tmp_path)))
    thread.start()
    thread.join()
    assert results[0].status is RunStatus.SUCCESS


ENDLESS = """
import sys
from active_data_flow import DataFlow
from active_data_flow.core.events import Events, BatchWritten
from active_data_flow.core.run import Budget
from active_data_flow.runtimes.local import LocalRuntime
from active_data_flow.testing import ScriptedSource, TransactionalMemorySink, place

def tell(event):
    if isinstance(event, BatchWritten):
        print("written", flush=True)

source = ScriptedSource(script={"a": [{"n": 1}]}, endless=True)
flow = DataFlow(name="endless", source=source, sink=TransactionalMemorySink(place="p"))
result = LocalRuntime(sys.argv[1], events=Events(tell)).runner(flow).run(Budget())
print(result.status.value, result.interrupted_by, result.records_written, len(place("p").rows), flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_an_endless_run_after_a_commit(tmp_path, number):
    child = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "written\n"
        child.send_signal(number)
        output, _ = child.communicate(timeout=30)
    finally:
        child.kill()
    assert output == f"interrupted {number.name} 1 1\n"
    assert child.returncode == 0


def test_several_lanes_and_at_least_once_sinks_work_too(tmp_path):
    source = ScriptedSource(script={name: numbers(5) for name in "abc"}, key="plain")
    flow = DataFlow(name="plain", source=source, sink=MemorySink(place="plain"), parallelism=2)
    result = flow.run(directory=tmp_path)
    assert (result.guarantee, result.records_written) == ("at-least-once", 15)
    assert flow.run(directory=tmp_path).records_read == 0
