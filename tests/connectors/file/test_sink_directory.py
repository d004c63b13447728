"""Rolled files in a directory."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.connectors.file.writers import directory
from active_data_flow.connectors.file.writers.partitions import NULL, split_by_partition
from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.policies import Drift, SchemaContract
from file_sink_engine import Engine, ids_in, numbered_rows, rows_of, visible


def names(place: Path) -> list[str]:
    return [str(path.relative_to(place)) for path in visible(place)]


def test_nothing_is_visible_before_the_commit(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="parquet", partition_by=["kind"])
    engine = Engine(sink).start().write(numbered_rows(0, 10))
    assert visible(sink.place) == []
    engine.commit("saved")
    assert visible(sink.place) == []
    engine.kill().start().stop()
    assert ids_in(sink.place) == list(range(10))


def test_names_tell_run_writer_and_number_and_sort_by_them(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="csv", roll_rows=2, compression="gzip")
    engine = Engine(sink).start().write(numbered_rows(0, 5)).commit().stop()
    engine.start().write(numbered_rows(5, 1)).commit().stop()
    assert [name.rpartition("-")[0] for name in names(sink.place)] == [
        "part-00001-00-00000", "part-00001-00-00001", "part-00001-00-00002", "part-00002-00-00000",
    ]  # fmt: skip
    assert all(name.endswith(".csv.gz") for name in names(sink.place))
    assert [len(rows_of(path)) for path in visible(sink.place)] == [2, 2, 1, 1]


@pytest.mark.parametrize("format", ["arrow", "parquet"])
def test_files_may_be_taken_away_while_a_run_starts(tmp_path: Path, monkeypatch, format: str) -> None:  # noqa: A002  # the option
    sink = FileSink.build({"path": f"{tmp_path}/out/", "format": format, "roll_rows": 2})
    engine = Engine(sink).start().write(numbered_rows(0, 6)).commit().stop()
    newest = visible(sink.place)[-1]
    find = FileSink._newest

    def taken_meanwhile(sink: FileSink) -> Path | None:
        found = find(sink)
        newest.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(FileSink, "_newest", taken_meanwhile)
    engine.start().write(numbered_rows(6, 1)).commit().stop()
    assert ids_in(sink.place) == [0, 1, 2, 3, 6]


@pytest.mark.parametrize("format", ["csv", "json_lines", "arrow", "parquet"])
def test_files_are_closed_near_the_wanted_size(tmp_path: Path, format: str) -> None:  # noqa: A002  # the option
    sink = FileSink.build({"path": f"{tmp_path}/out/", "format": format, "roll_bytes": 20_000, "row_group_size": 100})
    engine = Engine(sink).start()
    for start in range(0, 4000, 50):
        engine.write(numbered_rows(start, 50))
    engine.commit().stop()
    sizes = [path.stat().st_size for path in visible(sink.place)]
    assert len(sizes) > 2
    assert max(sizes) < 60_000
    assert ids_in(sink.place) == list(range(4000))


def test_partitions_are_hive_folders_without_their_columns(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out", format="json_lines", partition_by=["country", "day"])
    rows = [
        {"id": 1, "country": "NO", "day": date(2013, 1, 2)},
        {"id": 2, "country": "a/b=c %", "day": None},
        {"id": 3, "country": None, "day": date(2013, 1, 2)},
        {"id": 4, "country": "NO", "day": date(2013, 1, 2)},
    ]
    Engine(sink).start().write(rows).commit().stop()
    found = {str(path.parent.relative_to(sink.place)): rows_of(path) for path in visible(sink.place)}
    assert found == {
        "country=NO/day=2013-01-02": [{"id": 1}, {"id": 4}],
        f"country=a%2Fb%3Dc%20%25/day={NULL}": [{"id": 2}],
        f"country={NULL}/day=2013-01-02": [{"id": 3}],
    }


def test_other_tools_read_the_partitions(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="parquet", partition_by=["kind"])
    Engine(sink).start().write(numbered_rows(0, 9)).commit().stop()
    table = pq.read_table(sink.place, partitioning="hive")
    expected = numbered_rows(0, 9).to_pylist()
    assert sorted(table.to_pylist(), key=lambda row: row["id"]) == [
        {"id": row["id"], "text": row["text"], "kind": row["kind"]} for row in expected
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "", None, "æ/="]), st.one_of(st.none(), st.integers(-2, 2))), max_size=40
    )
)
def test_a_batch_is_split_as_rows_one_by_one_would_be(values: list[tuple[str | None, int | None]]) -> None:
    rows = [{"n": number, "a": a, "b": b} for number, (a, b) in enumerate(values)]
    schema = pa.schema({"n": pa.int64(), "a": pa.string(), "b": pa.int32()})
    batch = pa.RecordBatch.from_pylist(rows, schema)
    groups: dict[tuple[Any, Any], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["a"], row["b"]), []).append({"n": row["n"]})
    split = split_by_partition(batch, ["a", "b"])
    assert len({folder for folder, _ in split}) == len(split) == len(groups)
    assert sorted((rows.to_pylist() for _, rows in split), key=str) == sorted(groups.values(), key=str)


def test_columns_that_can_not_be_partitioned_by_are_named() -> None:
    batch = pa.RecordBatch.from_pylist([{"a": 1, "b": [1]}])
    with pytest.raises(SchemaError, match="names c, but the data has the columns a, b"):
        split_by_partition(batch, ["c"])
    with pytest.raises(SchemaError, match="b has nested values"):
        split_by_partition(batch, ["b"])
    with pytest.raises(SchemaError, match="all columns"):
        split_by_partition(batch.select(["a"]), ["a"])


def test_the_number_of_open_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MAX_OPEN_FILES", 5)
    sink = FileSink(path=f"{tmp_path}/out/", format="csv", partition_by=["group"])
    engine = Engine(sink).start()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for start in range(0, 120, 40):
        engine.write([{"id": number, "group": number % 20} for number in range(start, start + 40)])
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 5
    engine.commit().stop()
    assert ids_in(sink.place) == list(range(120))


def test_several_writers_and_flows_share_a_directory(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="csv")
    one, two = Engine(sink, flow="one").start(), Engine(sink, flow="two")
    one.write(numbered_rows(0, 3))
    two.start().write(numbered_rows(3, 3)).commit().stop()
    one.commit().stop()
    assert ids_in(sink.place) == [0, 1, 2, 3, 4, 5]


def test_leftovers_of_killed_runs_are_deleted_and_only_the_flows_own(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="csv", partition_by=["kind"])
    other = Engine(sink, flow="other").start().write(numbered_rows(9, 3))
    engine = Engine(sink).start().write(numbered_rows(0, 6)).commit("prepared").kill()
    assert len(list(sink.place.rglob("*.tmp"))) == 6
    engine.start().stop()
    assert len(list(sink.place.rglob("*.tmp"))) == 3
    other.commit().stop()
    assert ids_in(sink.place) == [9, 10, 11]


def test_a_lost_prepared_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="csv")
    engine = Engine(sink).start().write(numbered_rows(0, 6)).commit("saved").kill()
    next(sink.place.glob(".*.tmp")).unlink()
    with pytest.raises(SinkError, match=r"part-00001-00-00000-\w+\.csv was prepared .* neither is there"):
        engine.start()


def test_a_new_column_or_type_begins_a_new_file(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="parquet")
    engine = Engine(sink, contract=SchemaContract(type=Drift.EVOLVE)).start()
    engine.write([{"id": 1}]).write([{"id": 2, "new": "x"}]).write([{"id": 3}]).write([{"id": 4.5}]).commit().stop()
    assert [rows_of(path) for path in visible(sink.place)] == [
        [{"id": 1}], [{"id": 2, "new": "x"}, {"id": 3, "new": None}], [{"id": 4.5, "new": None}],
    ]  # fmt: skip
    schema = sink.arrow_schema()
    assert schema is not None
    assert schema.names == ["id", "new"]


def test_frozen_types_reject_the_rows_that_do_not_fit(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="parquet")
    engine = Engine(sink).start().write([{"id": 1}]).commit().stop()
    engine.start().write([{"id": "2"}, {"id": "two"}]).commit().stop()
    assert [row for path in visible(sink.place) for row in rows_of(path)] == [{"id": 1}, {"id": 2}]
    assert [(reject.record, reject.stage) for reject in engine.rejects] == [({"id": "two"}, "write")]


def test_frozen_columns_are_those_of_the_files_that_are_there(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="csv")
    engine = Engine(sink, contract=SchemaContract(column=Drift.DISCARD)).start().write([{"id": 1}]).commit().stop()
    engine.start().write([{"new": "x", "id": 2}]).commit().stop()
    assert [row for path in visible(sink.place) for row in rows_of(path)] == [{"id": "1"}, {"id": "2"}]


def test_what_was_not_prepared_is_deleted_on_close(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="parquet", roll_rows=2)
    Engine(sink).start().write(numbered_rows(0, 5)).stop()
    assert list(sink.place.iterdir()) == []


def test_a_directory_with_files_can_be_refused(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out/", format="csv", allow_existing=False)
    engine = Engine(sink).start().write(numbered_rows(0, 2)).commit().stop()
    engine.start().stop()
    with pytest.raises(SinkError, match="holds files already"):
        Engine(sink, flow="another").start()
