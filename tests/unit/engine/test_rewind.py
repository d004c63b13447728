from __future__ import annotations

import json

import pytest

from active_data_flow.connectors.file import FileSink, FileSource
from active_data_flow.connectors.sql import SqlSink
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import ExecutionError, FencedError
from active_data_flow.core.run import Budget
from active_data_flow.core.sink import WriterContext
from active_data_flow.engine.pipeline import pipelines_of
from active_data_flow.engine.rewind import rewind
from active_data_flow.runtimes.local import LocalRuntime
from active_data_flow.testing import MemorySink, TransactionalMemorySink, TwoPhaseMemorySink

SINKS = {
    "write then save": lambda folder: MemorySink(),
    "one transaction": lambda folder: TransactionalMemorySink(),
    "two phases": lambda folder: TwoPhaseMemorySink(),
    "a database": lambda folder: SqlSink(url=f"sqlite:///{folder / 'out.db'}", table="t"),
    "a file": lambda folder: FileSink(path=str(folder / "out.jsonl")),
}


@pytest.fixture(params=SINKS)
def flow(request, tmp_path):
    for name in ("a", "b"):
        lines = [json.dumps({"file": name, "n": number}) for number in range(3)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    source = FileSource(path=str(tmp_path / "[ab].jsonl"))
    return DataFlow(name="rewound", source=source, sink=SINKS[request.param](tmp_path))


@pytest.fixture
def runtime(tmp_path):
    runtime = LocalRuntime(tmp_path / "state")
    yield runtime
    runtime.close()


def splits_of(pipeline, store):
    checkpoint = pipeline.sink.positions(pipeline.name) or store.load(pipeline.name)
    return {name: state for name, state in checkpoint.splits.items() if "jsonl" in name}


def test_a_split_that_is_set_back_is_read_again_and_no_other(flow, runtime):
    runner = runtime.runner(flow)
    assert runner.run(Budget()).records_written == 6
    (pipeline,) = pipelines_of(flow)
    first = next(name for name in splits_of(pipeline, runtime.store) if "a.jsonl" in name)
    with runtime.store.acquire(flow.name):
        before = rewind(pipeline, runtime.store, {first: None})
    assert before[first].finished
    after = splits_of(pipeline, runtime.store)
    assert (after[first].finished, after[first].position) == (False, None)
    assert runner.run(Budget()).records_written == 3
    assert runner.run(Budget()).records_written == 0


def test_a_split_can_be_set_to_a_position_inside(flow, runtime):
    runner = runtime.runner(flow)
    assert runner.run(Budget(records=1)).records_written >= 1
    runner.run(Budget())
    (pipeline,) = pipelines_of(flow)
    name, state = next(iter(splits_of(pipeline, runtime.store).items()))
    with runtime.store.acquire(flow.name):
        rewind(pipeline, runtime.store, {name: state.position})
    assert runner.run(Budget()).records_written == 0


def test_an_unknown_split_is_told_and_nothing_changes(flow, runtime):
    runtime.runner(flow).run(Budget())
    (pipeline,) = pipelines_of(flow)
    before = splits_of(pipeline, runtime.store)
    with runtime.store.acquire(flow.name), pytest.raises(ExecutionError, match="no position of a split 'x'"):
        rewind(pipeline, runtime.store, {"x": None, next(iter(before)): None})
    assert splits_of(pipeline, runtime.store) == before


def test_a_writer_from_before_is_fenced_off(tmp_path, runtime):
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n')
    flow = DataFlow(name="f", source=FileSource(path=str(tmp_path / "a.jsonl")), sink=TransactionalMemorySink())
    runtime.runner(flow).run(Budget())
    (pipeline,) = pipelines_of(flow)
    frozen = pipeline.sink.open(WriterContext("f", runtime.store.begin("f")))
    checkpoint = frozen.restore()
    rewind(pipeline, runtime.store, dict.fromkeys(splits_of(pipeline, runtime.store)))
    with pytest.raises(FencedError):
        frozen.commit(checkpoint)
