"""The file source keeps the promises of sources, in every format."""

from __future__ import annotations

import gzip
import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from active_data_flow.connectors.file import FileSource
from active_data_flow.core.types import type_text
from active_data_flow.testing import SourceHarness, SourceSuite

ANY = frozenset({"bounded", "splittable", "resumable", "ordered", "incremental", "typed", "decimal", "zoned"})
GROWING = ANY | {"endless"}


class Files(SourceHarness):
    """A directory in which each part is a file.

    Args:
        folder: Is made, and taken away.
        ending: Of the files' names: says format and compression.
    """

    ending: str

    def __init__(self, folder: Path, ending: str) -> None:
        self.folder = folder / "stored"
        self.ending = ending
        self.schema: pa.Schema | None = None

    def store(self, *parts: pa.Table) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.schema = parts[0].schema
        for part in parts:
            self.append(part)

    def append(self, table: pa.Table) -> None:
        path = self.folder / f"{len(list(self.folder.iterdir())):04}{self.ending}"
        path.with_suffix(".new").write_bytes(self.encoded(table))
        path.with_suffix(".new").rename(path)

    def source(self, *, poll_rows: int | None = None, endless: bool = False) -> FileSource:
        options: dict[str, Any] = {"path": str(self.folder / f"*{self.ending}"), "poll_interval": 0.005}
        return FileSource(**options, follow=endless, **self.options(poll_rows))

    def options(self, poll_rows: int | None) -> dict[str, Any]:
        """Types of columns, which text does not tell, and a size of blocks that makes small batches."""
        assert self.schema is not None
        types = {field.name: type_text(field.type, nullable=True) for field in self.schema}
        return {"schema": types} | ({"block_size": 12 * poll_rows} if poll_rows else {})

    def lose(self) -> None:
        shutil.rmtree(self.folder)

    def encoded(self, table: pa.Table) -> bytes:
        """The bytes of a file."""
        raise NotImplementedError


class Csv(Files):
    def encoded(self, table: pa.Table) -> bytes:
        out = BytesIO()
        pyarrow.csv.write_csv(table, out)
        return _compressed(out.getvalue(), self.ending)


class Json(Files):
    """Lines, or an array where the name ends so."""

    def encoded(self, table: pa.Table) -> bytes:
        lines = [json.dumps(row, default=str, ensure_ascii=False) for row in table.to_pylist()]
        if ".jsonl" in self.ending:
            return _compressed("".join(f"{line}\n" for line in lines).encode(), self.ending)
        return _compressed(("[" + ",\n ".join(lines) + "]").encode(), self.ending)


class JsonInRanges(Json):
    """All parts in one file, which grows, and is read in ranges of bytes where there are several lanes."""

    def append(self, table: pa.Table) -> None:
        with (self.folder / f"all{self.ending}").open("ab") as file:
            file.write(self.encoded(table))

    def options(self, poll_rows: int | None) -> dict[str, Any]:
        return super().options(poll_rows) | {"split_size": 100}


class Parquet(Files):
    def encoded(self, table: pa.Table) -> bytes:
        out = BytesIO()
        pq.write_table(table, out, row_group_size=3)
        return out.getvalue()

    def options(self, poll_rows: int | None) -> dict[str, Any]:
        return {"block_size": 8 * poll_rows} if poll_rows else {}


class Arrow(Files):
    """Record batches are read as they were written."""

    def encoded(self, table: pa.Table) -> bytes:
        out = BytesIO()
        with pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table, max_chunksize=1)
        return out.getvalue()

    def options(self, poll_rows: int | None) -> dict[str, Any]:
        return {}


def _compressed(data: bytes, ending: str) -> bytes:
    if ending.endswith(".gz"):
        return gzip.compress(data)
    return pa.compress(data, codec="zstd", asbytes=True) if ending.endswith(".zst") else data


class FileSuite(SourceSuite):
    format: ClassVar[type[Files]]
    ending: ClassVar[str]
    examples: ClassVar = 10

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Files:
        return self.format(tmp_path, self.ending)


class TestCsv(FileSuite):
    format, ending, capabilities = Csv, ".csv", GROWING | {"evolving"}


@pytest.mark.slow
class TestCsvGzip(FileSuite):
    format, ending, capabilities = Csv, ".csv.gz", ANY


class TestJsonLines(FileSuite):
    format, ending, capabilities = Json, ".jsonl", GROWING | {"nested", "evolving"}


class TestJsonLinesInRanges(FileSuite):
    format, ending, capabilities = JsonInRanges, ".jsonl", GROWING | {"nested"}


class TestJsonArray(FileSuite):
    format, ending, capabilities = Json, ".json", GROWING | {"nested", "evolving"}


@pytest.mark.slow
class TestJsonArrayZstd(FileSuite):
    format, ending, capabilities = Json, ".json.zst", ANY | {"nested"}


class TestParquet(FileSuite):
    format, ending, capabilities = Parquet, ".parquet", GROWING | {"nested", "evolving", "binary"}


class TestArrow(FileSuite):
    format, ending, capabilities = Arrow, ".arrow", GROWING | {"nested", "evolving", "binary"}
