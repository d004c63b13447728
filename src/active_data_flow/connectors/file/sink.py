"""The file sink: one file that grows, one file written whole, or rolled files in a directory; exactly once."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast, get_args

import pyarrow as pa

from active_data_flow.connectors.file.publish import RenamingCommitter, remove_if_there, sink_error, writing
from active_data_flow.connectors.file.sink_configuration import FileSinkConfiguration, FormatName
from active_data_flow.connectors.file.writers.appending import AppendingCommitter, AppendingWriter
from active_data_flow.connectors.file.writers.columns import Fitting, names_only
from active_data_flow.connectors.file.writers.directory import DirectoryWriter, Rolling
from active_data_flow.connectors.file.writers.opening import encoder_for, part_opener, read_rows, schema_of
from active_data_flow.connectors.file.writers.restoring import TextTarget, forget
from active_data_flow.connectors.file.writers.tail import csv_columns
from active_data_flow.connectors.file.writers.text_file import TextCompression
from active_data_flow.connectors.file.writers.whole import WholeFileWriter
from active_data_flow.core.errors import SinkError
from active_data_flow.core.policies import Drift
from active_data_flow.core.sink import Committer, Delivery, TwoPhaseWriter, WriterContext


class FileSink(FileSinkConfiguration):
    """Writes files: CSV, JSON lines, a JSON array, Parquet or Arrow, each record exactly once.

    **A directory** (``out/``): files ``part-00001-00-00000-….csv`` appear whole, by atomic rename, when the flow
    commits; each commit closes the open files, so let checkpoints be rare enough for the file size that you want. With
    ``partition_by`` they stand in folders as ``country=NO/``. Any number of lanes may write, and several flows.

    **One text file** (``out.csv``, ``out.jsonl``, ``out.json``, also compressed): rows are appended. Readers see rows
    before they are committed; a killed run leaves a torn tail, which the next run cuts back to the last commit. A
    hidden file ``.out.csv.adf`` beside it tells how far it is committed. A JSON array is a whole array after each
    commit. What was in the file before the first run stays, and so does what someone appends between two runs.
    Compressed files grow by members, which all common tools read as one.

    **One Parquet or Arrow file** (``out.parquet``): written under a temporary name and published when the run ends; an
    existing file is read and its rows come first. For much data, or for commits in between, write a directory.

    CSV holds nested values as JSON text; CSV and JSON hold binary values as base64, durations as a number of their
    unit, and JSON has null for NaN. Columns that a CSV, Parquet or Arrow file doesn't have are treated by the flow's
    schema contract: a directory gets files with the new columns, a file that is appended to can't change (JSON is
    free). Parquet and Arrow keep a column that has nulls alone as text.

    Example:
        >>> FileSink(path="out/", format="parquet", partition_by=["origin"], roll_bytes="256MB")
        FileSink(path='out/', format='parquet', partition_by=['origin'], roll_bytes=256000000)
    """

    type: ClassVar[str] = "file"
    label: ClassVar[str] = "file sink"
    delivery: ClassVar[Delivery] = Delivery.TWO_PHASE
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"exactly-once", "append", "partitions", "rolling", "compression"}
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield from ((name, getattr(self, name)) for name in type(self).model_fields if name in self.to_options())

    @property
    def delivery_here(self) -> tuple[Delivery, str]:
        """Two-phase, in one of three ways."""
        if self.is_directory:
            how = "files are published by atomic rename after the positions are saved"
        elif self.commits_only_at_end:
            how = "the file is published by atomic rename at the end of the run, after the positions are saved"
        else:
            how = "rows are appended; what a killed run has not committed is cut off by the next"
        return self.delivery, how

    @property
    def variant(self) -> str:
        """The format, and ``parts`` of a directory or ``replace``."""
        kind = "parts" if self.is_directory else self.mode
        return f"file:{self.format_name}" + ("" if kind == "append" else f":{kind}")

    @classmethod
    def variants(cls) -> list[str]:
        """Each format as one file that is appended to, as one that is replaced, and in a directory."""
        return [f"file:{name}{kind}" for name in get_args(FormatName) for kind in ("", ":replace", ":parts")]

    @property
    def max_writers(self) -> int | None:
        """One for one file, any number for a directory."""
        return None if self.is_directory else 1

    @property
    def commits_only_at_end(self) -> bool:
        """True for one file that is written whole."""
        return not self.is_directory and (not self.is_text or self.mode == "replace")

    def describe(self) -> str:
        """Format and place."""
        where = "files in" if self.is_directory else "file"
        return f"{self.format_name.replace('_', ' ')} {where} {self.place}"

    def doubles(self) -> str:
        """Only mode replace does not."""
        where = "write to one file, with" if self.is_directory else "give the sink"
        return f"{where} mode: replace" if self.mode == "append" else ""

    def hint(self) -> str:
        """A command that shows some rows."""
        place = self.place / "**" / f"*{self.extension}" if self.is_directory else self.place
        if self.format_name == "arrow":
            return ""
        return f"python -c \"import duckdb; print(duckdb.sql('''from '{place}' limit 10'''))\""

    def check(self) -> list[str]:
        """Whether files can be created there.

        Raises:
            SinkError: They can't; nothing is left behind.
        """
        self._check_shape()
        directory = self.place if self.is_directory else self.place.parent
        there = directory
        while not there.exists() and there != there.parent:
            there = there.parent
        probe = there / f".adf-check-{secrets.token_hex(4)}.tmp"
        with writing(directory):
            try:
                probe.touch()
            finally:
                remove_if_there(probe) if there.is_dir() else None
        if not self.is_directory and self.place.exists() and not os.access(self.place, os.W_OK):
            raise sink_error(PermissionError(errno.EACCES, ""), self.place)
        return [f"{directory} can be written" if there == directory else f"{directory} can be created in {there}"]

    def arrow_schema(self) -> pa.Schema | None:
        """Columns of the file, or of the newest file in the directory; for CSV names only, as text; None for JSON."""
        while (newest := self._newest()) is not None:
            try:
                return self._columns_of(newest)
            except FileNotFoundError:  # whoever uses up the files has taken it just now
                continue
        return None

    def open(self, context: WriterContext) -> TwoPhaseWriter:
        """A writer for one lane."""
        self._check_shape()
        if self.is_directory:
            return self._directory_writer(context)
        fitting = self._fitting(context)
        if not self.commits_only_at_end:
            return AppendingWriter(context, self._target(), fitting)
        return WholeFileWriter(
            context,
            self._resolved,
            part_opener(self),
            encoder_for(self),
            fitting,
            None if self.is_text else partial(read_rows, self.format_name),
            append=self.mode == "append",
            allow_existing=self.allow_existing or self.mode == "replace",
        )

    def committer(self, context: WriterContext) -> Committer:
        """What makes prepared rows count."""
        if self.is_directory:
            return RenamingCommitter(self.place)
        if self.commits_only_at_end:
            return RenamingCommitter(self._resolved.parent)
        return AppendingCommitter(context.flow)

    def reset(self, flow: str) -> None:
        """Cut what the flow has not committed; from then on the file is taken as it is."""
        if not self.is_directory and not self.commits_only_at_end:
            forget(flow, self._target())

    @property
    def _resolved(self) -> Path:
        # a rename would replace a link, not what it leads to
        return Path(os.path.realpath(self.place))

    def _check_shape(self) -> None:
        if self.is_directory and self.place.exists() and not self.place.is_dir():
            message = f"{self.place} is a file, but these options write a directory of files; choose another path"
            raise SinkError(message)
        if self.is_directory and self.mode == "replace":
            message = (
                f"{self.place} is a directory; mode: replace is for one file, since many can't change at one moment"
            )
            raise SinkError(message)

    def _directory_writer(self, context: WriterContext) -> DirectoryWriter:
        fitting = self._fitting(context)
        known = None
        if context.contract.column is not Drift.EVOLVE or (fitting.typed and context.contract.type is not Drift.EVOLVE):
            known = self.arrow_schema()
        return DirectoryWriter(
            context,
            self.place,
            self.extension,
            part_opener(self),
            encoder_for(self),
            fitting,
            None if known is None else fitting.columns_of(known),
            tuple(self.partition_by),
            Rolling(self.roll_rows, self.roll_bytes),
            allow_existing=self.allow_existing,
        )

    def _fitting(self, context: WriterContext) -> Fitting:
        named = self.format_name not in ("json_lines", "json_array")
        return Fitting(context.contract, named, not self.is_text, str(self.place), context.reject)

    def _target(self) -> TextTarget:
        compression = cast("TextCompression", self.compression_name)
        header = partial(self._header, self.place) if self.format_name == "csv" and self.header else None
        encoder = encoder_for(self)
        assert encoder is not None
        return TextTarget(self.place, encoder, compression, header, self.allow_existing)

    def _header(self, path: Path) -> list[str]:
        return csv_columns(path, self.field_delimiter, self.encoding, cast("TextCompression", self.compression_name))

    def _columns_of(self, path: Path) -> pa.Schema | None:
        name = self.format_name
        if name in ("json_lines", "json_array"):
            return None
        if name == "csv":
            return names_only(self._header(path)) if self.header and path.stat().st_size else None
        return schema_of(path, name)

    def _newest(self) -> Path | None:
        if not self.is_directory:
            return self.place if self.place.is_file() else None
        parts = (path for path in self.place.rglob(f"part-*{self.extension}") if path.is_file())
        return max(parts, key=lambda path: path.name, default=None)


__all__ = ["FileSink"]
