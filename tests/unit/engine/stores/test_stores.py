from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.core.batch import Reject
from active_data_flow.core.checkpoint import Checkpoint, Counts, SplitState, StagedReject
from active_data_flow.core.errors import AlreadyRunningError, CheckpointError, FencedError
from active_data_flow.engine.stores import sqlite
from active_data_flow.engine.stores.memory import MemoryStore
from active_data_flow.engine.stores.records import RunRecord
from active_data_flow.engine.stores.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "adf" / "state.db")
    yield made
    made.close()


@pytest.fixture
def sqlite_store(tmp_path):
    made = SqliteStore(tmp_path / "state.db")
    yield made
    made.close()


def staged(split: str, sequence: int, **record) -> StagedReject:
    return StagedReject(Reject(record, "is bad", "ValueError", "transform", split, 7, "a"), sequence, "run-1", "2")


def test_what_is_saved_is_loaded_and_moved_splits_are_merged(store):
    assert store.load("flow") is None
    epoch = store.begin("flow")
    first = {"a": SplitState({"path": "ä"}, 10, sequence=1, counts=Counts(5, 4, 1, 99)), "b": SplitState({}, None)}
    store.save("flow", Checkpoint(epoch, first))
    store.save("flow", Checkpoint(epoch, {"b": SplitState({}, [1, {"x": None}], finished=True, sequence=2)}))
    loaded = store.load("flow")
    assert loaded.splits == {"a": first["a"], "b": SplitState({}, [1, {"x": None}], True, 2)}
    assert (loaded.epoch, list(loaded.committables)) == (epoch, [])
    assert store.load("other") is None


def test_the_history_of_a_flow_has_an_end(sqlite_store, monkeypatch):
    monkeypatch.setattr(sqlite, "KEPT_RUNS", 3)
    epoch = sqlite_store.begin("flow/a")
    for number in range(3):
        sqlite_store.stage_rejects("flow/a", epoch, [staged("s", 1, a=number)])
    sqlite_store.save("flow/a", Checkpoint(epoch, {"s": SplitState({}, 1, sequence=1)}))
    first, second, _ = sqlite_store.rejects("flow/a")
    sqlite_store.discard("flow/a", [first.id])
    sqlite_store.mark_rejects("flow/a", "replayed", [second.id])
    for number in range(5):
        sqlite_store.start_run(RunRecord(f"run-{number}", "flow", started=f"2999-01-01T00:00:0{number}.000+00:00"))
    sqlite_store.start_run(RunRecord("other", "other"))
    assert [run.run_id for run in sqlite_store.runs("flow")] == ["run-4", "run-3", "run-2"]
    assert [run.run_id for run in sqlite_store.runs("other")] == ["other"]
    counts = {status: len(sqlite_store.rejects("flow", status)) for status in ("open", "replayed", "discarded")}
    assert counts == {"open": 1, "replayed": 0, "discarded": 0}, "those that were seen to go with the runs"


def test_an_older_epoch_can_write_nothing(store):
    old = store.begin("flow")
    new = store.begin("flow", at_least=old + 10)
    assert new == old + 10
    with pytest.raises(FencedError, match=f"run {old} of flow has been replaced by run {new}"):
        store.save("flow", Checkpoint(old, {"a": SplitState({}, 1)}))
    with pytest.raises(FencedError):
        store.stage_rejects("flow", old, [])
    with pytest.raises(FencedError):
        store.mark_committed("flow", old)
    assert store.load("flow") is None


def test_committables_are_kept_by_writer_until_they_are_carried_out(store):
    epoch = store.begin("flow")
    store.save("flow", Checkpoint(epoch, {"a": SplitState({}, 1)}, [{"id": "x"}], writer=0))
    store.save("flow", Checkpoint(epoch, {}, [{"id": "y"}], writer=1))
    assert sorted(item["id"] for item in store.load("flow").committables) == ["x", "y"]
    store.mark_committed("flow", epoch, writer=1)
    assert [item["id"] for item in store.load("flow").committables] == ["x"]
    assert [item["id"] for item in store.load("flow").done] == ["y"]
    store.mark_committed("flow", epoch)
    assert not store.load("flow").committables


def test_reset_forgets_positions_but_not_the_epoch(store):
    epoch = store.begin("flow")
    store.save("flow", Checkpoint(epoch, {"a": SplitState({}, 1)}, [{"id": "x"}]))
    store.reset("flow")
    assert store.load("flow") is None
    assert store.begin("flow") == epoch + 1


def open_rejects(store, flow):
    if isinstance(store, MemoryStore):
        return [item.reject.record["n"] for item in store.rejected.get(flow, [])]
    return [item.record["n"] for item in store.rejects(flow)]


def test_staged_rejects_count_only_with_their_commit(store):
    epoch = store.begin("flow")
    store.stage_rejects("flow", epoch, [staged("a", 1, n=1), staged("b", 1, n=2)])
    assert open_rejects(store, "flow") == []
    store.save("flow", Checkpoint(epoch, {"a": SplitState({}, 1, sequence=1)}))
    assert open_rejects(store, "flow") == [1]
    store.stage_rejects("flow", epoch, [staged("a", 2, n=3)])
    store.settle_rejects("flow", {"a": 1, "b": 1})
    assert sorted(open_rejects(store, "flow")) == [1, 2]
    store.settle_rejects("flow", {"a": 2, "b": 1})
    assert sorted(open_rejects(store, "flow")) == [1, 2]


@given(sequences=st.lists(st.integers(1, 5), max_size=8), committed=st.integers(0, 5))
def test_settling_keeps_exactly_what_was_committed(sequences, committed):
    store = MemoryStore()
    epoch = store.begin("flow")
    store.stage_rejects("flow", epoch, [staged("a", sequence, n=sequence) for sequence in sequences])
    store.settle_rejects("flow", {"a": committed})
    assert open_rejects(store, "flow") == [sequence for sequence in sequences if sequence <= committed]


def test_rejects_are_listed_grouped_replayed_and_discarded(sqlite_store):
    epoch = sqlite_store.begin("flow/left")
    record = {"n": 1, "price": Decimal("1.50"), "day": date(2026, 1, 31), "raw": b"\x00\xff"}
    rejects = [staged("a", 1, **record), staged("a", 1, n=2), staged("a", 1, n=3)]
    sqlite_store.save("flow/left", Checkpoint(epoch, {"a": SplitState({}, 1, sequence=1)}), rejects)
    first = sqlite_store.rejects("flow")[0]
    assert first.record == {"n": 1, "price": "1.50", "day": "2026-01-31", "raw": "00ff"}
    assert (first.error, first.field, first.stage, first.run_id, first.flow_version) == (
        "is bad",
        "a",
        "transform",
        "run-1",
        "2",
    )
    (group,) = sqlite_store.reject_groups("flow")
    assert (group.records, group.error_type, group.first_id) == (3, "ValueError", first.id)
    assert sqlite_store.mark_rejects("flow", "replayed", [first.id]) == 1
    assert sqlite_store.discard("flow") == 2
    assert sqlite_store.rejects("flow") == []
    assert len(sqlite_store.rejects("flow", status="discarded")) == 2
    assert sqlite_store.rejects("flo") == []


def test_runs_are_listed_newest_first_and_a_killed_one_is_marked_lost(sqlite_store):
    sqlite_store.start_run(RunRecord("1", "flow", started="2026-01-01"))
    sqlite_store.start_run(RunRecord("2", "flow", started="2026-01-02"))
    sqlite_store.finish_run("2", "success", {"records_written": 5})
    newest, lost = sqlite_store.runs("flow")
    assert (newest.run_id, newest.status, newest.result["records_written"]) == ("2", "success", 5)
    assert (lost.status, lost.pid) == ("lost", os.getpid())
    assert sqlite_store.runs("other") == []


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"file/state\.db can't be used"):
        SqliteStore(tmp_path / "file" / "state.db")
    (tmp_path / "state.db").write_text("this is no database, but long enough to be looked at" * 50)
    with pytest.raises(CheckpointError, match="not a database"):
        SqliteStore(tmp_path / "state.db")


HOLDER = """
import sys, time
from active_data_flow.engine.stores.sqlite import SqliteStore
with SqliteStore(sys.argv[1]).acquire("flow"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_names_its_holder_and_is_free_when_the_holder_is_killed(sqlite_store):
    child = subprocess.Popen([sys.executable, "-c", HOLDER, str(sqlite_store.path)], stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"held\n"
        with (
            pytest.raises(AlreadyRunningError, match=f"process {child.pid} since 20.*--wait"),
            sqlite_store.acquire("flow"),
        ):
            pytest.fail("two runs at once")
        child.send_signal(signal.SIGKILL)
        started = time.monotonic()
        with sqlite_store.acquire("flow", wait=10):
            assert time.monotonic() - started < 10
    finally:
        child.kill()
        child.communicate()
