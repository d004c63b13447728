from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import SinkUnavailableError
from sql_targets import FLOW, Database, batch, checkpoint


def test_positions_come_back_with_all_that_was_committed(driver: Database) -> None:
    sink = driver.sink()
    assert sink.positions(FLOW) is None
    with contextlib.closing(driver.open(sink, epoch=4)) as writer:
        assert writer.restore() is None
        writer.write(batch([{"id": 1}]))
        writer.commit(checkpoint(4, **{"é/split": {"offset": 10}, "x" * 2000: [1, None], "y": None}))
        writer.commit(checkpoint(4, y=5))
    found = sink.positions(FLOW)
    assert found is not None
    assert found.epoch == 4
    assert {name: state.position for name, state in found.splits.items()} == {
        "é/split": {"offset": 10}, "x" * 2000: [1, None], "y": 5
    }  # fmt: skip
    assert found.splits["y"] == SplitState({"id": "y"}, 5)
    with contextlib.closing(driver.open(sink, epoch=2)) as writer:
        restored = writer.restore()
    assert restored is not None
    assert restored.epoch == 5
    assert restored.splits == found.splits


def test_a_claim_without_a_commit_still_raises_the_epoch(database: Database) -> None:
    sink = database.sink()
    database.claim(sink, epoch=3).close()
    with contextlib.closing(database.open(sink, epoch=3)) as writer:
        restored = writer.restore()
    assert restored is not None
    assert (restored.epoch, restored.splits) == (4, {})


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_lanes_of_one_run_write_at_once(postgresql: Database, mode: str) -> None:
    """Two lanes, from a table that does not exist yet, over the same keys in opposite orders."""
    options: dict[str, Any] = {"mode": mode, "batch_size": 50} | ({"unique_by": ["id"]} if mode == "upsert" else {})
    sink = postgresql.sink(**options)
    first = postgresql.claim(sink, epoch=7)
    errors: list[BaseException] = []

    def lane(name: str, writer: Any, numbers: list[int]) -> None:
        try:
            for commit in range(5):
                for part in range(4):
                    chosen = numbers[part * 50 : part * 50 + 50]
                    writer.write(batch([{"id": number, "v": f"{name}{commit}"} for number in chosen], name))
                writer.commit(checkpoint(7, **{name: commit}))
        except BaseException as error:  # noqa: BLE001  # told by the test
            errors.append(error)
        finally:
            writer.close()

    numbers = list(range(200))
    lanes = [
        threading.Thread(target=lane, args=("a", first, numbers)),
        threading.Thread(target=lane, args=("b", postgresql.open(sink, epoch=7), numbers[::-1])),
    ]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join(60)
    assert not errors
    expected = 200 if mode == "upsert" else 2 * 5 * 200
    assert postgresql.rows("SELECT count(*) FROM t") == [(expected,)]
    found = sink.positions(FLOW)
    assert found is not None
    assert {name: state.position for name, state in found.splits.items()} == {"a": 4, "b": 4}


_CHILD = """
import sys, time
sys.path[:0] = {path!r}
from sql_targets import Database, batch, checkpoint
database = Database({url!r})
writer = database.open(database.sink())
restored = writer.restore()
epoch = restored.epoch if restored else 1
start = restored.splits["a"].position if restored and restored.splits else 0
for number in range(start, 10_000):
    writer.write(batch([{{"id": number}}]))
    if number % 3 == 2:
        writer.commit(checkpoint(epoch, a=number + 1))
        print(number, flush=True)
"""


def test_a_process_killed_with_9_loses_and_doubles_nothing(database: Database) -> None:
    code = _CHILD.format(path=sys.path, url=database.url)
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _line in range(4):
            assert child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30)
        child.stdout.close()
    found = database.sink().positions(FLOW)
    assert found is not None
    position = found.splits["a"].position
    assert position >= 24
    assert database.rows() == [(number,) for number in range(position)]


def test_a_server_that_goes_away_and_returns_costs_nothing(postgres: Any, postgresql: Database) -> None:
    _goes_away_and_returns(postgres, postgresql)


@pytest.mark.mariadb
def test_a_mariadb_that_goes_away_and_returns_costs_nothing(mariadb: Any, mariadb_url: str) -> None:
    _goes_away_and_returns(mariadb, Database(mariadb_url))


def _goes_away_and_returns(server: Any, database: Database) -> None:
    sink = database.sink()
    database.write(sink, batch([{"id": 1}]))
    writer = database.claim(sink)
    writer.write(batch([{"id": 2}]))
    writer.flush()
    server.kill()
    try:
        with pytest.raises(SinkUnavailableError, match="is not available"):
            writer.commit(checkpoint(2, a=2))
        writer.close()
        with pytest.raises(SinkUnavailableError):
            database.open(sink)
    finally:
        server.start()
    with contextlib.closing(database.claim(sink)) as again:
        again.write(batch([{"id": 2}]))
        again.commit(checkpoint(3, a=2))
    assert database.rows() == [(1,), (2,)]


def test_a_locked_sqlite_file_may_be_tried_again(sqlite: Database) -> None:
    sink = sqlite.sink().model_copy(update={"timeout": 0.1})
    sqlite.write(sink, batch([{"id": 1}]))
    holder = sqlite.claim(sink)
    holder.write(batch([{"id": 2}]))
    holder.flush()
    other = sqlite.open(sink)
    with pytest.raises(SinkUnavailableError, match="locked"):
        other.restore()
    holder.close()
    other.close()
    assert sqlite.rows() == [(1,)]
