"""Whatever is stopped, inserted or deleted in between: each row is read exactly once."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.source import SqlSource
from active_data_flow.core.errors import ConfigurationError, SourceChangedError, SourceError
from active_data_flow.testing.suites.source.replay import Replay

_databases = itertools.count()
quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Database:
    """A SQLite file, written through the driver that also reads it."""

    def __init__(self, directory: Path) -> None:
        self.url = f"sqlite:///{directory}/data{next(_databases)}.db"
        self._session = connect(Address.parse(self.url, "sink"))

    def run(self, *statements: str) -> None:
        for statement in statements:
            self._session.execute(statement)

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            marks = ", ".join(f"?{number}" for number in range(1, len(row) + 1))
            self._session.execute(f"INSERT INTO {table} VALUES ({marks})", row)

    def source(self, **options: Any) -> SqlSource:
        return SqlSource(url=self.url, **options)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


@quick
@given(
    keys=st.lists(st.one_of(st.integers(-50, 50), st.integers(-(2**63), 2**63 - 1)), unique=True, max_size=40),
    splits=st.integers(1, 7),
    lanes=st.integers(1, 3),
    batch_size=st.integers(1, 9),
    stops=st.lists(st.integers(1, 6), max_size=4),
)
def test_key_ranges_read_each_row_once_wherever_a_run_is_stopped(
    tmp_path: Path, keys: list[int], splits: int, lanes: int, batch_size: int, stops: list[int]
) -> None:
    database = Database(tmp_path)
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)")
    database.insert("t", [(key, f"w{key}") for key in keys])
    source = database.source(table="t", splits=splits, batch_size=batch_size)
    replay = Replay(lanes)
    for stop in stops:
        replay.run(source, stop_after=stop)
        if all(state.finished for state in replay.states.values()) and len(replay.states) == splits:
            break
    else:
        replay.run(source)
    read = Counter(ids(replay.rows))
    complete = sum(read.values()) // max(1, len(keys))  # a complete read is followed by another one
    assert complete >= 1 or not keys
    assert read == Counter(dict.fromkeys(keys, complete))
    json.dumps([state.to_json() for state in replay.states.values()])


@quick
@given(
    rows=st.lists(st.tuples(st.one_of(st.none(), st.sampled_from("aAbé ß")), st.integers(0, 3)), max_size=30),
    splits=st.integers(1, 5),
    stop=st.integers(1, 8),
)
def test_a_key_that_is_not_unique_and_may_be_null_loses_and_doubles_nothing(
    tmp_path: Path, rows: list[tuple[str | None, int]], splits: int, stop: int
) -> None:
    database = Database(tmp_path)
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT, n INTEGER)")
    database.insert("t", [(number, *row) for number, row in enumerate(rows)])
    source = database.source(table="t", key="word", splits=splits, batch_size=2)
    replay = Replay()
    replay.run(source, stop_after=stop)
    done = len(replay.rows)
    replay.run(source)
    expected = Counter(range(len(rows)))
    assert Counter(ids(replay.rows)) in (expected, expected + expected)
    assert Counter(ids(replay.rows[:done])) <= expected


cursor_values = st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=8)


@quick
@given(
    rounds=st.lists(st.tuples(cursor_values, st.one_of(st.none(), st.integers(1, 4))), min_size=1, max_size=5),
    batch_size=st.integers(1, 4),
)
def test_a_cursor_reads_each_row_once_with_equal_and_null_values_and_inserts_between_runs(
    tmp_path: Path, rounds: list[tuple[list[int | None], int | None]], batch_size: int
) -> None:
    database = Database(tmp_path)
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, seen INTEGER)")
    source = database.source(table="t", cursor="seen", batch_size=batch_size)
    replay = Replay()
    number, base = 0, 0
    for steps, stop in rounds:
        rows: list[tuple[Any, ...]] = []
        for step in steps:
            number += 1
            base += step or 0  # grows, or stays: also equal to what was read before
            rows.append((number, None if step is None else base))
        database.insert("t", rows)
        replay.run(source, stop_after=stop)
    replay.run(source)
    assert sorted(ids(replay.rows)) == list(range(1, number + 1))
    assert replay.run(source) == []


def test_rows_deleted_at_the_position_and_at_a_border_are_not_missed(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    database.insert("t", [(number,) for number in range(12)])
    source = database.source(table="t", splits=3, batch_size=2)
    replay = Replay()
    replay.run(source, stop_after=1)
    database.run("DELETE FROM t WHERE id IN (1, 4, 8)")
    replay.run(source)
    assert sorted(ids(replay.rows)) == [0, 1, 2, 3, 5, 6, 7, 9, 10, 11]


def test_a_complete_read_is_followed_by_a_new_one_and_a_stopped_one_goes_on(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    database.insert("t", [(number,) for number in range(10)])
    source = database.source(table="t", splits=2, batch_size=2)
    replay = Replay()
    assert sorted(ids(replay.run(source))) == list(range(10))
    database.insert("t", [(10,)])
    first = replay.run(source, stop_after=2)
    rest = replay.run(source)
    assert sorted(ids(first + rest)) == list(range(11))
    assert len(replay.states) == 2, "what is remembered does not grow with the reads"


def test_ranges_stay_as_they_were_when_a_read_goes_on(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    database.insert("t", [(number,) for number in range(30)])
    replay = Replay(lanes=2)
    replay.run(database.source(table="t", splits=4, batch_size=3), stop_after=3)
    database.insert("t", [(number,) for number in range(30, 300)])
    replay.lanes = 1
    replay.run(database.source(table="t", splits=9, batch_size=50))
    assert sorted(ids(replay.rows)) == list(range(300))


def test_a_composite_key_with_texts_is_read_in_its_order(database: Database) -> None:
    database.run(
        "CREATE TABLE t (area TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (area, number)) WITHOUT ROWID"
    )
    rows = [(area, number) for area in ("", "a", "b'\"", "ü") for number in range(5)]
    database.insert("t", rows)
    for stop in range(1, 9):
        replay = Replay()
        source = database.source(table="t", splits=3, batch_size=2)
        replay.run(source, stop_after=stop)
        replay.run(source)
        assert sorted((row["area"], row["number"]) for row in replay.rows) == sorted(rows)


def test_a_table_without_key_is_read_by_the_rows_own_numbers(database: Database) -> None:
    database.run("CREATE TABLE t (word TEXT)")
    database.insert("t", [(word,) for word in "aabbccdd"])
    source = database.source(table="t", batch_size=3)
    replay = Replay()
    replay.run(source, stop_after=1)
    replay.run(source)
    assert "".join(row["word"] for row in replay.rows) == "aabbccdd"
    assert replay.rows[0].keys() == {"word"}


def test_a_query_without_key_is_committed_as_a_whole(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    database.insert("t", [(number,) for number in range(10)])
    source = database.source(query="SELECT id FROM t", batch_size=3)
    replay = Replay()
    assert replay.run(source, stop_after=2) == []
    assert sorted(ids(replay.run(source))) == list(range(10))
    assert sorted(ids(replay.run(source))) == list(range(10)), "a complete read is followed by another"


def test_a_query_with_key_goes_on_and_one_whose_key_is_not_unique_is_refused(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)")
    database.insert("t", [(number, "x") for number in range(10)])
    source = database.source(query="SELECT * FROM t", key="id", splits=2, batch_size=3)
    replay = Replay()
    replay.run(source, stop_after=2)
    replay.run(source)
    assert sorted(ids(replay.rows)) == list(range(10))
    with pytest.raises(SourceError, match=r"several rows agree in word.*tiebreaker"):
        Replay().run(database.source(query="SELECT * FROM t", key="word"))
    with pytest.raises(SourceError, match=r"several rows agree in word"):
        Replay().run(database.source(query="SELECT * FROM t", key="word", batch_size=1))


def test_decimals_are_read_as_such_and_are_keys_with_all_their_digits(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, n DECIMAL(18,2))")
    numbers = ["35 * 0.01", "0.35", "1", "9007199254740993", "1.5", "-0.1"]
    database.run(*(f"INSERT INTO t VALUES ({index}, {number})" for index, number in enumerate(numbers)))
    for stop in range(1, 7):
        for options in ({"key": "n", "splits": 3}, {"cursor": "n"}):
            source = database.source(table="t", batch_size=1, **options)
            replay = Replay()
            replay.run(source, stop_after=stop)
            replay.run(source)
            assert {ids([row])[0]: str(row["n"]) for row in replay.rows} == {
                0: "0.35", 1: "0.35", 2: "1.00", 3: "9007199254740993.00", 4: "1.50", 5: "-0.10"
            }  # fmt: skip
            assert len(replay.rows) in (6, 12), (stop, options)


def test_positions_of_another_order_are_refused(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL, seen INTEGER)")
    database.insert("t", [(1, 1, 1)])
    replay = Replay()
    replay.run(database.source(table="t", cursor="seen"))
    with pytest.raises(SourceChangedError, match=r"order of seen, id.*seen, a, id.*--from-start"):
        replay.run(database.source(table="t", cursor="seen", tiebreaker=["a", "id"]))


def test_a_cursor_that_tells_nothing_apart_is_refused(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER, seen INTEGER)", "CREATE VIEW v AS SELECT * FROM t")
    database.insert("t", [(1, 1)])
    with pytest.raises(ConfigurationError, match=r"cursor seen: rows of v may have the same value.*tiebreaker"):
        Replay().run(database.source(table="v", cursor="seen"))


def test_a_tiebreaker_that_is_null_is_refused_also_behind_a_position(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER, seen INTEGER)")
    database.insert("t", [(1, 1), (2, 1)])
    source = database.source(table="t", cursor="seen", tiebreaker="id")
    replay = Replay()
    assert ids(replay.run(source)) == [1, 2]
    database.insert("t", [(None, 1)])
    with pytest.raises(SourceError, match=r"id is NULL in some rows; a tiebreaker can't be"):
        replay.run(source)
    database.run("DELETE FROM t WHERE id IS NULL")
    database.insert("t", [(3, None)])
    assert ids(replay.run(source)) == [3]
    database.insert("t", [(None, None)])
    with pytest.raises(SourceError, match=r"id is NULL in some rows; a tiebreaker can't be"):
        replay.run(source)


def test_a_composite_tiebreaker_without_constraints_loses_nothing(database: Database) -> None:
    database.run("CREATE TABLE t (a TEXT, b INTEGER, seen INTEGER)")
    rows = [(a, b, seen) for seen in (None, 1, 2) for a in "xy" for b in (1, 2)]
    database.insert("t", rows)
    source = database.source(table="t", cursor="seen", tiebreaker=["a", "b"], batch_size=1)
    for stop in range(1, 12):
        replay = Replay()
        replay.run(source, stop_after=stop)
        replay.run(source)
        assert Counter((row["a"], row["b"], row["seen"]) for row in replay.rows) == Counter(rows)


def test_rows_without_cursor_can_be_left_out(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, seen INTEGER)")
    database.insert("t", [(1, None), (2, 5)])
    assert ids(Replay().run(database.source(table="t", cursor="seen", cursor_nulls="skip"))) == [2]


def test_null_cursors_that_nothing_tells_apart_are_an_error(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER)")
    database.insert("t", [(None,), (2,)])
    source = database.source(query="SELECT id FROM t", cursor="id", tiebreaker="id")
    with pytest.raises(SourceError, match=r"id is NULL in some rows.*cursor_nulls: skip"):
        Replay().run(source)


def test_rows_younger_than_settle_wait(database: Database) -> None:
    database.run("CREATE TABLE t (id INTEGER PRIMARY KEY, seen TIMESTAMP)")
    database.run("INSERT INTO t VALUES (1, datetime('now', '-1 hour')), (2, datetime('now'))")
    source = database.source(table="t", cursor="seen", settle=60)
    replay = Replay()
    assert ids(replay.run(source)) == [1]
    database.run("UPDATE t SET seen = datetime('now', '-2 minutes') WHERE id = 2")
    assert ids(replay.run(source)) == [2]
    with pytest.raises(ConfigurationError, match=r"settle: cursor id holds int64, no times"):
        Replay().run(database.source(table="t", cursor="id", settle=60))
