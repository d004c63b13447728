"""The store keeps the promises that the stores of the engine keep; the cases are those of the SQLite file's."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal

import pytest

from active_data_flow.core.batch import Reject
from active_data_flow.core.checkpoint import Checkpoint, Counts, SplitState, StagedReject
from active_data_flow.core.errors import AlreadyRunningError, CheckpointError, FencedError, Then
from django_project.setup import set_up_django, use_databases

set_up_django()


from active_data_flow.runtimes.heartbeat.database import DatabaseThread  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlowRun  # noqa: E402
from active_data_flow.runtimes.heartbeat.store import DjangoStore  # noqa: E402
from django_project.memory_flows import record as record_of  # noqa: E402


@pytest.fixture
def thread(database):
    with DatabaseThread() as thread:
        yield thread


@pytest.fixture
def store(thread):
    return DjangoStore(thread)


def staged(split: str, sequence: int, **record) -> StagedReject:
    return StagedReject(Reject(record, "is bad", "ValueError", "transform", split, 7, "a"), sequence, "run-1", "2")


def open_rejects(store) -> list[int]:
    return [item.record["n"] for item in store.rejects("flow")]


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


@pytest.mark.parametrize("name", ["nul-\0-here", "half-\udc80-surrogate", "x" * 5000, "emoji-😀", ""])
def test_ids_and_positions_of_any_text_come_back_exactly(store, name):
    epoch = store.begin("flow")
    state = SplitState({"path": name}, {"at": name, "n": 2**70, "f": 0.1, "text": "b a"}, sequence=3)
    store.save("flow", Checkpoint(epoch, {name: state, name + "'": state}, [{"id": name}]))
    loaded = store.load("flow")
    assert loaded.splits == {name: state, name + "'": state}
    assert list(loaded.committables) == [{"id": name}]


def test_many_splits_are_saved_at_once(store):
    epoch = store.begin("flow")
    states = {f"split-{n}": SplitState({"n": n}, n, sequence=1) for n in range(1200)}
    store.save("flow", Checkpoint(epoch, states))
    store.save("flow", Checkpoint(epoch, states))
    assert store.load("flow").splits == states


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


def test_a_run_that_was_replaced_gets_no_epoch_any_more(thread):
    record = record_of("one")
    old, new = (DataFlowRun.objects.create(flow=record, run_id=str(n), fence=n) for n in (1, 2))
    first, second = DjangoStore(thread, old), DjangoStore(thread, new)
    assert first.begin("one") < first.begin("one") < second.begin("one")
    with pytest.raises(FencedError, match="a newer run of one has begun"):
        first.begin("one")
    epoch = second.begin("one")
    second.save("one", Checkpoint(epoch, {"a": SplitState({}, 1)}))


def test_committables_are_kept_by_writer_until_they_are_carried_out(store):
    epoch = store.begin("flow")
    store.save("flow", Checkpoint(epoch, {"a": SplitState({}, 1)}, [{"id": "x"}], writer=0))
    store.save("flow", Checkpoint(epoch, {}, [{"id": "y"}], writer=1))
    assert [item["id"] for item in store.load("flow").committables] == ["x", "y"]
    store.mark_committed("flow", epoch, writer=1)
    assert [item["id"] for item in store.load("flow").committables] == ["x"]
    assert [item["id"] for item in store.load("flow").done] == ["y"]
    store.mark_committed("flow", epoch)
    assert not store.load("flow").committables


def test_reset_forgets_positions_but_not_the_epoch(store):
    epoch = store.begin("flow/a")
    store.save("flow/a", Checkpoint(epoch, {"a": SplitState({}, 1)}, [{"id": "x"}]))
    store.begin("flow_b")
    store.save("flow_b", Checkpoint(1, {"a": SplitState({}, 1)}))
    store.reset("flow")
    assert store.load("flow/a") is None
    assert store.load("flow_b") is not None
    assert store.begin("flow/a") == epoch + 1


def test_staged_rejects_count_only_with_their_commit(store):
    epoch = store.begin("flow")
    store.stage_rejects("flow", epoch, [staged("a", 1, n=1), staged("b", 1, n=2)])
    assert open_rejects(store) == []
    store.save("flow", Checkpoint(epoch, {"a": SplitState({}, 1, sequence=1)}))
    assert open_rejects(store) == [1]
    store.stage_rejects("flow", epoch, [staged("a", 2, n=3)])
    store.settle_rejects("flow", {"a": 1, "b": 1})
    assert sorted(open_rejects(store)) == [1, 2]
    store.settle_rejects("flow", {"a": 2, "b": 1})
    assert sorted(open_rejects(store)) == [1, 2]


def test_rejects_are_listed_grouped_replayed_and_discarded(store):
    epoch = store.begin("flow/left")
    record = {"n": 1, "price": Decimal("1.50"), "day": date(2026, 1, 31), "raw": b"\x00\xff", "text": "a\0b"}
    rejects = [staged("a", 1, **record), staged("a", 1, n=2), staged("a", 1, n=3)]
    store.save("flow/left", Checkpoint(epoch, {"a": SplitState({}, 1, sequence=1)}), rejects)
    first = store.rejects("flow")[0]
    assert first.record == {"n": 1, "price": "1.50", "day": "2026-01-31", "raw": "00ff", "text": "a\0b"}
    assert (first.error, first.field, first.stage, first.position, first.flow) == (
        "is bad",
        "a",
        "transform",
        7,
        "flow/left",
    )
    (group,) = store.reject_groups("flow")
    assert (group.records, group.error_type, group.first_id, group.last_at) == (3, "ValueError", first.id, first.at)
    assert store.mark_rejects("flow", "replayed", [first.id]) == 1
    assert store.discard("flow") == 2
    assert store.rejects("flow") == []
    assert len(store.rejects("flow", status="discarded")) == 2
    assert store.rejects("flo") == []


def test_a_rejected_record_keeps_its_types(store):
    epoch = store.begin("flow")
    store.save("flow", Checkpoint(epoch, {}), [staged("a", 1, price=Decimal("1.50"), day=date(2026, 1, 31))])
    (reject,) = store.rejects("flow")
    assert reject.to_batch().to_pylist() == [{"price": Decimal("1.50"), "day": date(2026, 1, 31)}]


def test_many_threads_may_save_at_once(store):
    epoch = store.begin("flow")

    def save(lane: int) -> None:
        for n in range(10):
            store.save("flow", Checkpoint(epoch, {f"{lane}": SplitState({}, n, sequence=n)}))

    threads = [threading.Thread(target=save, args=(lane,)) for lane in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {name: state.position for name, state in store.load("flow").splits.items()} == dict.fromkeys("0123", 9)


def test_acquiring_a_flow_is_a_run_of_it(store):
    record = record_of("one")
    with store.acquire("one"):
        run = DataFlowRun.objects.get()
        assert (run.trigger, run.status) == ("replay", "in_progress")
        with pytest.raises(AlreadyRunningError, match=f"run {run.run_id} is in progress by"), store.acquire("one"):
            pytest.fail("two runs at once")
        assert store.begin("one") == 1
    record.refresh_from_db()
    assert (DataFlowRun.objects.get().status, record.busy) == ("success", False)
    with pytest.raises(CheckpointError, match="no record of a flow other"), store.acquire("other"):
        pytest.fail("there is none")


def test_a_database_that_is_away_is_worth_another_try(tmp_path, sqlite_database):
    use_databases(default=f"sqlite:///{tmp_path / 'missing' / 'x.db'}")
    with DatabaseThread() as thread, pytest.raises(CheckpointError, match="unable to open database") as caught:
        DjangoStore(thread).begin("flow")
    assert caught.value.then is Then.RETRY
