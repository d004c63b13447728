"""One file that is published as a whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.policies import Drift, SchemaContract
from file_sink_engine import Engine, ids_in, numbered_rows, rows_of, visible


@pytest.mark.parametrize("name", ["out.parquet", "out.arrow"])
def test_a_second_run_puts_its_rows_behind_those_of_the_first(tmp_path: Path, name: str) -> None:
    sink = FileSink(path=f"{tmp_path}/{name}")
    assert sink.commits_only_at_end
    assert sink.max_writers == 1
    engine = Engine(sink).start().write(numbered_rows(0, 3))
    assert visible(tmp_path) == []
    engine.commit().stop()
    engine.start().write(numbered_rows(3, 3)).write(numbered_rows(6, 2)).commit().stop()
    assert ids_in(sink.place) == list(range(8))
    assert sink.arrow_schema() == numbered_rows(0, 1).schema


@pytest.mark.parametrize("name", ["out.parquet", "out.arrow"])
def test_a_new_column_is_null_in_the_old_rows(tmp_path: Path, name: str) -> None:
    sink = FileSink(path=f"{tmp_path}/{name}")
    engine = Engine(sink).start().write([{"id": 1}]).commit().stop()
    engine.start().write([{"id": 2, "new": "x"}])
    with pytest.raises(SchemaError, match="the data has newer, which the file has not"):
        engine.write([{"newer": 3}])
    engine.commit().stop()
    assert rows_of(sink.place) == [{"id": 1, "new": None}, {"id": 2, "new": "x"}]


def test_frozen_columns_reject_rows_that_have_more(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.parquet")
    engine = Engine(sink, contract=SchemaContract(column=Drift.FREEZE)).start().write([{"id": 1}]).commit().stop()
    engine.start().write([{"id": 2, "new": "x"}, {"id": 3, "new": None}]).commit().stop()
    assert rows_of(sink.place) == [{"id": 1}, {"id": 3}]
    assert [reject.record for reject in engine.rejects] == [{"id": 2, "new": "x"}]


def test_types_that_differ_are_cast_and_what_does_not_fit_is_rejected(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.parquet")
    engine = Engine(sink).start().write([{"id": 1, "none": None}]).commit().stop()
    engine.start().write([{"id": "2", "none": "text"}, {"id": "x", "none": None}]).commit().stop()
    assert rows_of(sink.place) == [{"id": 1, "none": None}, {"id": 2, "none": "text"}]
    assert [reject.field for reject in engine.rejects] == ["id"]


@pytest.mark.parametrize("name", ["out.parquet", "out.arrow"])
def test_an_existing_file_that_is_something_else_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("this is a poem")
    engine = Engine(FileSink(path=f"{tmp_path}/{name}")).start()
    with pytest.raises(SinkError, match=f"{name} can't be appended to"):
        engine.write(numbered_rows(0, 1))
    engine.stop()
    assert (tmp_path / name).read_text() == "this is a poem"
    assert len(list(tmp_path.iterdir())) == 1


def test_row_groups_have_the_wanted_size_and_batches_are_joined(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.parquet", row_group_size=100, compression="zstd")
    engine = Engine(sink).start()
    for start in range(0, 250, 30):
        engine.write(numbered_rows(start, min(30, 250 - start)))
    engine.commit().stop()
    metadata = pq.ParquetFile(sink.place).metadata
    assert [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)] == [100, 100, 50]
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert ids_in(sink.place) == list(range(250))


def test_only_columns_whose_values_repeat_get_a_dictionary(tmp_path: Path) -> None:
    sink = FileSink(path=f"{tmp_path}/out.parquet")
    Engine(sink).start().write(numbered_rows(0, 1000)).commit().stop()
    group = pq.ParquetFile(sink.place).metadata.row_group(0)
    encoded = {group.column(index).path_in_schema: group.column(index).encodings for index in range(3)}
    assert {name for name, encodings in encoded.items() if "RLE_DICTIONARY" in encodings} == {"kind"}
    assert group.column(0).compression == "SNAPPY"


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out.parquet").symlink_to(tmp_path / "real" / "data.parquet")
    sink = FileSink(path=f"{tmp_path}/out.parquet")
    engine = Engine(sink).start().write(numbered_rows(0, 2)).commit().stop()
    engine.start().write(numbered_rows(2, 2)).commit().stop()
    assert (tmp_path / "out.parquet").is_symlink()
    assert ids_in(tmp_path / "real" / "data.parquet") == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.json.gz", "out.parquet", "out.arrow"])
def test_replace_keeps_only_what_the_run_wrote_also_over_several_commits(tmp_path: Path, name: str) -> None:
    sink = FileSink(path=f"{tmp_path}/{name}", mode="replace")
    engine = Engine(sink).start().write(numbered_rows(0, 3)).commit().stop()
    engine.start().write(numbered_rows(3, 2))
    assert ids_in(sink.place) == [0, 1, 2]
    engine.commit().write(numbered_rows(5, 1)).commit().commit().stop()
    assert ids_in(sink.place) == [3, 4, 5]
    engine.start().commit().stop()
    assert ids_in(sink.place) == [3, 4, 5]


def test_types_that_parquet_does_not_have_are_named(tmp_path: Path) -> None:
    engine = Engine(FileSink(path=f"{tmp_path}/out.parquet")).start()
    kind = pa.month_day_nano_interval()
    engine.write(pa.record_batch({"a": pa.nulls(1, kind), "b": pa.array([1])}))
    with pytest.raises(SchemaError, match="Parquet can't hold the columns"):
        engine.commit()
    engine.stop()
    assert list(tmp_path.iterdir()) == []
