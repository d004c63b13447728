"""The file sink is held to its promises, in each format and shape."""

from __future__ import annotations

import csv
import gc
import json
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.core.background import Background
from active_data_flow.core.sink import Sink, Writer
from active_data_flow.testing import Refusal, SinkHarness, SinkSuite, read_as
from file_sink_engine import plain_bytes, visible

ALWAYS = frozenset({"two-phase", "exactly-once", "append", "takeover", "nested", "creates table"})
MANY = frozenset({"many writers", "isolated"})
FREE = frozenset({"evolves schema", "widens types"})
"""What a file can hold that knows nothing of columns."""


class Files(SinkHarness):
    """Files in a folder for each place, read by pyarrow and json."""

    def __init__(self, folder: Path, path: str, **options: Any) -> None:
        self.folder, self.path, self.options = folder, path, options
        self.count = 0

    def sink(self, schema: pa.Schema, **options: Any) -> FileSink:
        self.count += 1
        return FileSink(path=f"{self.folder}/{self.count}/{self.path}", **self.options | options)

    def rows(self, sink: Sink, schema: pa.Schema) -> Sequence[dict[str, Any]]:
        assert isinstance(sink, FileSink)
        files = visible(sink.place) if sink.is_directory else [sink.place] if sink.place.exists() else []
        return [row for path in files for row in read_as(_rows_of(path), schema)]

    def kill(self, writer: Writer) -> None:
        """A dead process has no threads: what is being encoded ends before the next run, or never comes."""
        for found in gc.get_objects():
            if isinstance(found, Background):
                with suppress(OSError):
                    found.wait()

    def leftovers(self, sink: Sink) -> Sequence[str]:
        assert isinstance(sink, FileSink)
        folder = sink.place if sink.is_directory else sink.place.parent
        return [path.name for path in folder.rglob("*.tmp")]


class Encoded(Files):
    """CSV in an encoding that does not have all characters."""

    def refusal(self) -> Refusal:
        rows = pa.record_batch({"id": range(5), "text": ["a", "日", "é", "", "本"]})
        return Refusal(self.sink(rows.schema, encoding="latin-1"), rows, {1: None, 4: None})


class Typed(Files):
    """Parquet and Arrow files, that have types."""

    def refusal(self) -> Refusal:
        sink = self.sink(pa.schema([]))
        there = sink.place / f"part-0{sink.extension}" if sink.is_directory else sink.place
        there.parent.mkdir(parents=True)
        table = pa.table({"id": pa.array([], pa.int64()), "number": pa.array([], pa.int64())})
        if sink.format_name == "parquet":
            pq.write_table(table, there)
        else:
            with pa.ipc.new_file(there, table.schema) as writer:
                writer.write_table(table)
        rows = pa.record_batch({"id": range(4), "number": ["1", "two", "3", "four"]})
        return Refusal(sink, rows, {1: "number", 3: "number"})


def _rows_of(path: Path) -> list[dict[str, Any]]:
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    if name.endswith(".parquet"):
        return pq.ParquetFile(path).read().to_pylist()
    if name.endswith(".arrow"):
        return pa.ipc.open_file(pa.py_buffer(path.read_bytes())).read_all().to_pylist()
    data = plain_bytes(path)
    if name.endswith(".csv"):
        return _csv_rows(data)
    texts = data.splitlines() if name.endswith(".jsonl") else []
    if name.endswith(".json") and data:
        return json.loads(data, parse_float=Decimal)
    return [json.loads(text, parse_float=Decimal) for text in texts]


def _csv_rows(data: bytes) -> list[dict[str, Any]]:
    """Rows as texts; an empty field is a null, and an empty text where it is quoted."""
    if not data:
        return []
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    names = next(csv.reader([text.partition("\n")[0]]))
    convert = pc.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    source = pa.py_buffer(text.encode())
    read = pc.ReadOptions(block_size=source.size)
    return pc.read_csv(source, read, pc.ParseOptions(newlines_in_values=True), convert).to_pylist()


class TestCsvFile(SinkSuite):
    capabilities: ClassVar = ALWAYS | {"fixed columns", "rejects rows", "widens types"}

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Encoded(tmp_path, "out.csv")


@pytest.mark.slow
class TestCsvParts(SinkSuite):
    capabilities: ClassVar = TestCsvFile.capabilities | MANY | {"evolves schema"}

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Encoded(tmp_path, "out/", format="csv", roll_rows=5)


class TestJsonLinesFile(SinkSuite):
    capabilities: ClassVar = ALWAYS | FREE

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Files(tmp_path, "out.jsonl.gz")


@pytest.mark.slow
class TestJsonLinesParts(SinkSuite):
    capabilities: ClassVar = ALWAYS | MANY | FREE

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Files(tmp_path, "out/", format="json_lines", compression="zstd")


@pytest.mark.slow
class TestJsonArrayFile(SinkSuite):
    capabilities: ClassVar = ALWAYS | FREE

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Files(tmp_path, "out.json")


@pytest.mark.slow
class TestJsonArrayParts(SinkSuite):
    capabilities: ClassVar = ALWAYS | MANY | FREE

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Files(tmp_path, "out/", format="json_array")


class TestReplacedFile(SinkSuite):
    capabilities: ClassVar = ALWAYS - {"append"} | FREE | {"replace", "isolated"}

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Files(tmp_path, "out.json", mode="replace")


class TestParquetFile(SinkSuite):
    capabilities: ClassVar = ALWAYS | FREE | {"isolated", "fixed columns", "fixed types", "rejects rows"}

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Typed(tmp_path, "out.parquet")


class TestParquetParts(SinkSuite):
    capabilities: ClassVar = TestParquetFile.capabilities | MANY

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Typed(tmp_path, "out/", format="parquet", row_group_size=4)


@pytest.mark.slow
class TestArrowFile(SinkSuite):
    capabilities: ClassVar = TestParquetFile.capabilities

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Typed(tmp_path, "out.arrow")


@pytest.mark.slow
class TestArrowParts(SinkSuite):
    capabilities: ClassVar = TestParquetFile.capabilities | MANY

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SinkHarness:
        return Typed(tmp_path, "out/", format="arrow")
