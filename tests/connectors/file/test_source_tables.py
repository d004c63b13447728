"""Parquet and Arrow files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from active_data_flow.connectors.file import FileSource
from active_data_flow.core.errors import SourceError
from file_reading import read, resumed, rows_of, write

TABLE = pa.table({"n": list(range(1000)), "t": [f"t{n}" if n % 3 else None for n in range(1000)]})


@pytest.mark.parametrize("readers", [1, 4])
def test_row_groups_are_splits(tmp_path, readers) -> None:
    path = str(tmp_path / "t.parquet")
    pq.write_table(TABLE, path, row_group_size=130)
    source = FileSource(path=path, split_size=1000)
    batches = read(source, parallelism=readers)
    assert len({batch.split_id for batch in batches}) == (1 if readers == 1 else 8)
    assert sorted(row["n"] for batch in batches for row in batch.data.to_pylist()) == list(range(1000))
    assert sum(batch.finished for batch in batches) == len({batch.split_id for batch in batches})
    assert "8 splits where the flow has several lanes" in source.split_notes()[1]


def test_an_arrow_stream_resumes_at_any_batch(tmp_path) -> None:
    path = str(tmp_path / "t.arrow")
    with pa.ipc.new_stream(path, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=150)
    assert resumed(FileSource(path=path), 2) == TABLE.to_pylist()


def test_dictionaries_and_declared_types(tmp_path) -> None:
    path = str(tmp_path / "t.parquet")
    pq.write_table(TABLE.set_column(1, "t", TABLE.column("t").dictionary_encode()), path)
    batches = read(FileSource(path=path, schema={"n": "int16", "t": "string"}))
    assert batches[0].data.schema.field("n").type == pa.int16()
    assert batches[0].data.schema.field("t").type == pa.string()
    rejects = [reject for batch in batches for reject in batch.rejects]
    assert len(rejects) == 334
    assert rejects[0].field == "t"
    assert path in rejects[0].error


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_broken_files_are_named(tmp_path, name) -> None:
    path = write(tmp_path, name, b"PAR1 not really")
    with pytest.raises(SourceError, match=f"{name}: this is no whole"):
        rows_of(FileSource(path=path))
    Path(path).write_bytes(b"")
    assert rows_of(FileSource(path=path)) == []
