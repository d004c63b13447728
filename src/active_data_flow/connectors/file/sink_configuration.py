"""Options of the file sink, and what they come to: one file or a directory, which format, which compression."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from active_data_flow.connectors.file.option_types import TextEncoding, Texts
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import Bytes
from active_data_flow.core.sink import Sink

FormatName = Literal["csv", "json_lines", "json_array", "parquet", "arrow"]
CompressionName = Literal["none", "gzip", "zstd", "bz2", "snappy", "lz4", "brotli"]

_EXTENSIONS: dict[str, FormatName] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".json": "json_array",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_SUFFIXES: dict[str, CompressionName] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".bz2": "bz2",
}
_WRITTEN: dict[FormatName, str] = {
    "csv": ".csv",
    "json_lines": ".jsonl",
    "json_array": ".json",
    "parquet": ".parquet",
    "arrow": ".arrow",
}
_WRITTEN_SUFFIX = {"none": "", "gzip": ".gz", "zstd": ".zst", "bz2": ".bz2"}
_TEXT: tuple[CompressionName, ...] = ("none", "gzip", "zstd", "bz2")
COMPRESSIONS: dict[FormatName, tuple[CompressionName, ...]] = {
    "csv": _TEXT,
    "json_lines": _TEXT,
    "json_array": _TEXT,
    "parquet": ("snappy", "none", "gzip", "zstd", "lz4", "brotli"),
    "arrow": ("none", "lz4", "zstd"),
}
"""Compressions of each format; the first is the default."""


class FileSinkConfiguration(Sink):
    """Options of `FileSink`."""

    path: str = Field(min_length=1)
    """One file, or a directory for rolled files. It is a directory where it ends with ``/``, exists as one, has no
    known ending, or where ``partition_by`` or a ``roll_…`` option is given."""
    format: Literal["auto"] | FormatName = "auto"
    """How files are written; ``auto``: by the ending of the path. A directory needs one."""
    compression: Literal["auto"] | CompressionName = "auto"
    """``auto``: by the ending of the path (``.gz``, ``.zst``, ``.bz2``); snappy for Parquet."""
    mode: Literal["append", "replace"] = "append"
    """``replace``: a run that writes anything replaces the file by what it wrote, at its end and at once; until then,
    and if it is killed, the old content stays. For one file only."""
    allow_existing: bool = True
    """Whether the place may hold data before the flow's first run."""
    partition_by: Texts = Field(default=[])
    """Columns whose values become folders, as ``country=NO/``; they are not written into the files."""
    roll_rows: int | None = Field(default=None, ge=1)
    """Close a file of the directory with this many rows (each checkpoint closes it too)."""
    roll_bytes: Bytes | None = None
    """Close a file of the directory with about this many bytes."""
    row_group_size: int | None = Field(default=None, ge=1)
    """Parquet and Arrow: most rows of a row group or record batch; default: 122,880 and 65,536."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1, pattern=r"^[\x01-\x7f]$")
    """CSV: what stands between fields; default: a comma, or a tab where the path ends with ``.tsv``."""
    quoting: Literal["text", "all"] = "text"
    """CSV: quote text, or all values; a null is never quoted, so that it differs from an empty text."""
    header: bool = True
    """CSV: begin a file with the names of its columns."""
    encoding: TextEncoding = "utf-8"
    """CSV: encoding of the text; JSON is always UTF-8."""

    @model_validator(mode="after")
    def _agree(self) -> FileSinkConfiguration:
        if len(set(self.partition_by)) < len(self.partition_by):
            raise ValueError("partition_by: a column is given twice")
        if self.delimiter in ('"', "\n", "\r"):
            raise ValueError("delimiter: a quote or a line break can't stand between fields")
        if "://" in self.path and not self.path.startswith("file://"):
            raise ValueError(f"path: {self.path}: only local files can be written")
        ends = _ending(self.path)
        if self.format not in ("auto", ends) and ends and not self._must_be_directory:
            raise ValueError(f"format: {self.format}, but the ending of the path says {ends}; make them agree")
        if self.mode == "replace" and self._must_be_directory:
            raise ValueError(
                "mode: replace is for one file; the files of a directory can't be replaced all at one moment"
            )
        name = ends if self.format == "auto" else self.format
        if name and self.compression not in ("auto", *COMPRESSIONS[name]):
            raise ValueError(f"compression: {name} is written with {', '.join(COMPRESSIONS[name])}")
        return self

    @property
    def _must_be_directory(self) -> bool:
        rolled = self.partition_by or self.roll_rows or self.roll_bytes
        return bool(self.path.endswith("/") or rolled)

    @property
    def place(self) -> Path:
        """The path, with ``~`` and ``file://`` resolved."""
        return Path(os.path.expanduser(self.path.removeprefix("file://")))  # noqa: PTH111  # a text becomes a path

    @property
    def is_directory(self) -> bool:
        """Whether rolled files are written."""
        return self._must_be_directory or self.place.is_dir() or _ending(self.path) is None

    @property
    def format_name(self) -> FormatName:
        """The format that is written.

        Raises:
            ConfigurationError: Nothing tells it.
        """
        if self.format != "auto":
            return self.format
        found = _ending(self.path)
        if found is None or self.path.endswith("/"):
            known = ", ".join(_WRITTEN)
            message = (
                f"{self.label or 'FileSink'}: format: is required, since the path {self.path} has no known ending; "
                f"there are {known}"
            )
            raise ConfigurationError(message)
        return found

    @property
    def compression_name(self) -> CompressionName:
        """The compression that is written."""
        if self.compression != "auto":
            return self.compression
        suffix = _SUFFIXES.get(Path(self.path).suffix.lower())
        known = COMPRESSIONS[self.format_name]
        return suffix if suffix in known else known[0]

    @property
    def extension(self) -> str:
        """Ending of the files in a directory."""
        name = self.format_name
        if name in ("parquet", "arrow"):
            return _WRITTEN[name]
        written = ".tsv" if name == "csv" and self.field_delimiter == "\t" else _WRITTEN[name]
        return written + _WRITTEN_SUFFIX[self.compression_name]

    @property
    def field_delimiter(self) -> str:
        """What stands between the fields of a CSV file."""
        return self.delimiter or ("\t" if ".tsv" in "".join(Path(self.path).suffixes[-2:]).lower() else ",")

    @property
    def is_text(self) -> bool:
        """Whether the format is text."""
        return self.format_name not in ("parquet", "arrow")


def _ending(path: str) -> FormatName | None:
    name = Path(path)
    if name.suffix.lower() in _SUFFIXES:
        name = name.with_suffix("")
    return _EXTENSIONS.get(name.suffix.lower())


__all__ = ["COMPRESSIONS", "CompressionName", "FileSinkConfiguration", "FormatName"]
