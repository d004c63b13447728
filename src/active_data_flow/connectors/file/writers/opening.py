"""The format that options name: its encoder, its open file, its reader."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pyarrow as pa

from active_data_flow.connectors.file.sink_configuration import FileSinkConfiguration, FormatName
from active_data_flow.connectors.file.writers.arrow import ArrowFile
from active_data_flow.connectors.file.writers.csv import CsvEncoder
from active_data_flow.connectors.file.writers.json_array import JsonArrayEncoder
from active_data_flow.connectors.file.writers.json_lines import JsonLinesEncoder
from active_data_flow.connectors.file.writers.parquet import ParquetFile
from active_data_flow.connectors.file.writers.part import OpenPart, PartFile
from active_data_flow.connectors.file.writers.text_file import (
    TextCompression,
    TextFile,
    compressor,
    trailer_of,
)
from active_data_flow.core.background import Background

_READ_ROWS = 65_536

Encoder = CsvEncoder | JsonLinesEncoder | JsonArrayEncoder


def encoder_for(options: FileSinkConfiguration) -> Encoder | None:
    """Makes text of rows; None for formats that are no text."""
    name = options.format_name
    if name == "csv":
        return CsvEncoder(options.field_delimiter, options.quoting, options.encoding, header=options.header)
    if name == "json_lines":
        return JsonLinesEncoder()
    return JsonArrayEncoder() if name == "json_array" else None


def part_opener(options: FileSinkConfiguration) -> OpenPart:
    """Opens the files of one writer."""
    return partial(_open_part, options, Background("adf-encode"))


def _open_part(options: FileSinkConfiguration, background: Background, path: Path, schema: pa.Schema) -> PartFile:
    """A new file; one of text that is there already is continued."""
    name, compression = options.format_name, options.compression_name
    if name == "parquet":
        return ParquetFile(path, schema, compression, options.row_group_size, background)
    if name == "arrow":
        return ArrowFile(path, schema, compression, options.row_group_size)
    encoder = encoder_for(options)
    assert encoder is not None
    text_compression = cast("TextCompression", compression)
    size = path.stat().st_size if path.exists() else 0
    length = max(0, size - len(trailer_of(encoder, compressor(text_compression))))
    return TextFile(path, encoder, text_compression, length=length, has_rows=length > 1)


def read_rows(name: FormatName, path: Path) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Columns and rows of a Parquet or Arrow file, a few at a time."""
    if name == "parquet":
        from pyarrow.parquet import ParquetFile as Reader

        reader = Reader(path)
        return reader.schema_arrow, reader.iter_batches(_READ_ROWS)
    file = pa.ipc.open_file(pa.memory_map(str(path)))
    return file.schema, (file.get_batch(index) for index in range(file.num_record_batches))


def schema_of(path: Path, name: FormatName) -> pa.Schema:
    """Columns of a Parquet or Arrow file."""
    if name == "parquet":
        from pyarrow.parquet import read_schema

        return read_schema(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).schema


__all__ = ["Encoder", "encoder_for", "part_opener", "read_rows", "schema_of"]
