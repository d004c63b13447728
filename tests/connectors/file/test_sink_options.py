"""Options of the file sink."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.core.errors import ConfigurationError, SinkError
from active_data_flow.core.sink import Delivery, WriterContext


@pytest.mark.parametrize(
    ("options", "format", "compression", "directory"),
    [
        ({"path": "a.csv"}, "csv", "none", False),
        ({"path": "a.tsv.gz"}, "csv", "gzip", False),
        ({"path": "a.ndjson.zst"}, "json_lines", "zstd", False),
        ({"path": "a.JSON"}, "json_array", "none", False),
        ({"path": "a.parquet"}, "parquet", "snappy", False),
        ({"path": "a.arrow", "compression": "zstd"}, "arrow", "zstd", False),
        ({"path": "a/", "format": "csv", "compression": "bz2"}, "csv", "bz2", True),
        ({"path": "a", "format": "parquet"}, "parquet", "snappy", True),
        ({"path": "a.csv", "roll_rows": 10}, "csv", "none", True),
        ({"path": "a", "format": "csv", "partition_by": "country"}, "csv", "none", True),
    ],
)
def test_the_path_tells_what_is_written(
    options: dict[str, Any],
    format: str,  # noqa: A002  # the option
    compression: str,
    directory: bool,  # noqa: FBT001  # a case
) -> None:
    sink = FileSink(**options)
    assert (sink.format_name, sink.compression_name, sink.is_directory) == (format, compression, directory)
    assert sink.max_writers == (None if directory else 1)
    assert sink.commits_only_at_end == (format in ("parquet", "arrow") and not directory)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "path: is required"),
        ({"path": "a.csv", "format": "parquet"}, "format: parquet, but the ending of the path says csv"),
        ({"path": "a.csv", "compression": "snappy"}, "compression: csv is written with none, gzip, zstd, bz2"),
        ({"path": "a.parquet", "compression": "bz2"}, "compression: parquet is written with snappy"),
        ({"path": "a/", "format": "csv", "mode": "replace"}, "mode: replace is for one file"),
        ({"path": "a/", "format": "csv", "partition_by": ["x", "x"]}, "partition_by: a column is given twice"),
        ({"path": "s3://a/b.csv"}, "only local files"),
        ({"path": "a.csv", "delimiter": '"'}, "delimiter: a quote"),
        ({"path": "a.csv", "delimiter": ",,"}, "delimiter"),
        ({"path": "a.csv", "encoding": "klingon"}, "encoding: is the name of a text encoding"),
        ({"path": "a.csv", "roll_bytes": "many"}, "roll_bytes: is a size"),
        ({"path": "a.csv", "rol_rows": 3}, "unknown option; did you mean roll_rows"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        FileSink(**options)


def test_a_directory_needs_a_format() -> None:
    with pytest.raises(ConfigurationError, match=r"format: is required.*csv, json_lines"):
        FileSink(path="somewhere/").open(WriterContext("flow"))


def test_a_file_where_a_directory_is_needed_and_the_other_way_round(tmp_path: Path) -> None:
    (tmp_path / "out.csv").touch()
    with pytest.raises(SinkError, match="is a file, but these options write a directory"):
        FileSink(path=f"{tmp_path}/out.csv", roll_rows=3).open(WriterContext("flow"))
    (tmp_path / "dir.csv").mkdir()
    assert FileSink(path=f"{tmp_path}/dir.csv").is_directory
    with pytest.raises(SinkError, match="mode: replace is for one file"):
        FileSink(path=f"{tmp_path}/dir.csv", mode="replace").check()


def test_it_pickles_and_goes_through_documents() -> None:
    sink = FileSink(path="out/", format="csv", partition_by=["a"], roll_bytes="1MB")
    assert pickle.loads(pickle.dumps(sink)) == sink
    document = sink.to_document()
    assert document == {
        "type": "file", "path": "out/", "format": "csv", "partition_by": ["a"], "roll_bytes": 1_000_000
    }  # fmt: skip
    document.pop("type")
    assert FileSink.build(document) == sink


def test_it_says_what_it_promises_and_where(tmp_path: Path) -> None:
    single, whole = FileSink(path=f"{tmp_path}/a.json"), FileSink(path=f"{tmp_path}/a.parquet")
    rolled = FileSink(path=f"{tmp_path}/", format="csv")
    assert {sink.delivery_here[0] for sink in (single, whole, rolled)} == {Delivery.TWO_PHASE}
    assert len({sink.delivery_here[1] for sink in (single, whole, rolled)}) == 3
    assert single.describe() == f"json array file {tmp_path}/a.json"
    assert rolled.describe() == f"csv files in {tmp_path}"
    assert single.arrow_schema() is None
    assert whole.arrow_schema() is None
