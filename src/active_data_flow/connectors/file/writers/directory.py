"""Many files in a directory, rolled and partitioned; each is published whole."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.publish import (
    TemporaryNames,
    closing,
    make_directory,
    prepared,
    remove_if_there,
    writing,
)
from active_data_flow.connectors.file.writers.columns import Fitting, write_rows
from active_data_flow.connectors.file.writers.part import OpenPart, PartFile
from active_data_flow.connectors.file.writers.partitions import split_by_partition
from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint, Committable
from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.policies import Drift
from active_data_flow.core.sink import TwoPhaseWriter, WriterContext

MAX_OPEN_FILES = 64
_MAX_BUFFERED = 48 * 2**20


@dataclass(frozen=True, slots=True)
class Rolling:
    """When a file of a directory is closed, apart from each checkpoint.

    Attributes:
        rows: With exactly this many rows.
        size: With about this many bytes.
    """

    rows: int | None = None
    size: int | None = None


@dataclass(slots=True)
class _Open:
    part: PartFile
    schema: pa.Schema
    temporary: Path
    final: Path
    rows: int = 0


class DirectoryWriter(TwoPhaseWriter):
    """Writes rolled files under temporary names; several writers may share the directory.

    Args:
        context: Flow, epoch, writer, contract.
        root: The directory.
        extension: Of the files, with the dot.
        open_part: Opens a file.
        encoder: Of text formats.
        fitting: How rows are made to fit.
        known: Columns that the directory has, where the contract wants them kept.
        partition_by: Columns that name folders.
        rolling: When files are closed.
        allow_existing: Whether there may be files before the flow's first run.
    """

    def __init__(
        self,
        context: WriterContext,
        root: Path,
        extension: str,
        open_part: OpenPart,
        encoder: Any,
        fitting: Fitting,
        known: pa.Schema | None,
        partition_by: tuple[str, ...],
        rolling: Rolling,
        *,
        allow_existing: bool,
    ) -> None:
        self._root = root
        self._extension = extension
        self._open_part = open_part
        self._encoder = encoder
        self._fitting = fitting
        self._known = known
        self._partition_by = partition_by
        self._rolling = rolling
        self._allow_existing = allow_existing
        self._names = TemporaryNames(context)
        self._parts: OrderedDict[str, _Open] = OrderedDict()
        self._finished: list[_Open] = []

    def restore(self, checkpoint: Checkpoint | None) -> None:
        """Delete the temporary files that killed runs of this flow have left."""
        exists = self._root.is_dir()
        first = checkpoint is None or not checkpoint.splits
        if first and exists and not self._allow_existing and any(self._root.rglob(f"*{self._extension}")):
            message = f"{self._root} holds files already, and allow_existing is false; empty it or choose another path"
            raise SinkError(message)
        if first and not exists and self._fitting.contract.table is not Drift.EVOLVE:
            message = f"{self._root} does not exist, and the flow's contract for tables is not to create it"
            raise SchemaError(message)
        if exists:
            self._names.remove_leftovers(self._root, checkpoint.committables if checkpoint else ())

    def write(self, batch: Batch) -> None:
        """Append the rows to the open files of their partitions."""
        batch = replace(batch, metadata=None, rejects=())
        if not self._partition_by:
            self._write_to("", batch)
            return
        for folder, rows in split_by_partition(batch.data, self._partition_by):
            self._write_to(folder, batch.with_data(rows))

    def prepare(self) -> list[Committable]:
        """Close and sync all files."""
        for folder in list(self._parts):
            self._finish(folder)
        committables: list[Committable] = []
        for done in self._finished:
            with closing(done.final):
                committables.append(prepared(self._root, done.temporary, done.final))
        self._finished = []
        return committables

    def close(self) -> None:
        """Delete what was not prepared."""
        while self._parts:
            self._parts.popitem()[1].part.abandon()
        for done in self._finished:
            remove_if_there(done.temporary)
        self._finished = []

    def _write_to(self, folder: str, batch: Batch) -> None:
        known = self._fitting.columns_of(batch.data.schema) if self._known is None else self._known
        self._known = self._fitting.evolved(known, batch.data.schema)
        batch = self._fitting.fit(batch, self._known)
        start = 0
        while start < batch.num_rows:
            opened = self._opened(folder, batch.data.schema)
            room = self._rolling.rows - opened.rows if self._rolling.rows else batch.num_rows
            piece = batch.with_data(batch.data.slice(start, room))
            with writing(opened.final):
                write_rows(opened.part, piece, self._encoder, self._fitting)
            start += piece.num_rows
            opened.rows += piece.num_rows
            self._roll(folder, opened)
        self._bound_memory()

    def _opened(self, folder: str, schema: pa.Schema) -> _Open:
        opened = self._parts.get(folder)
        if opened is not None and self._fitting.same_file(opened.schema, schema):
            self._parts.move_to_end(folder)
            return opened
        if opened is not None:
            self._finish(folder)
        elif len(self._parts) >= MAX_OPEN_FILES:
            self._finish(next(iter(self._parts)))
        temporary, final = self._names.part(self._extension)
        directory = self._root / folder
        with writing(directory / final):
            make_directory(directory)
            part = self._open_part(directory / temporary, schema)
        self._parts[folder] = _Open(part, schema, directory / temporary, directory / final)
        return self._parts[folder]

    def _roll(self, folder: str, opened: _Open) -> None:
        full = self._rolling.rows is not None and opened.rows >= self._rolling.rows
        # rows in memory take about twice the bytes that they will take in the file
        if self._rolling.size is not None and opened.part.size + opened.part.buffered // 2 >= self._rolling.size:
            full = True
        if full:
            self._finish(folder)

    def _finish(self, folder: str) -> None:
        opened = self._parts[folder]
        with closing(opened.final):
            opened.part.finish()
        self._finished.append(self._parts.pop(folder))

    def _bound_memory(self) -> None:
        if len(self._parts) < 2 or sum(opened.part.buffered for opened in self._parts.values()) < _MAX_BUFFERED:
            return
        largest = max(self._parts.values(), key=lambda opened: opened.part.buffered)
        with writing(largest.final):
            largest.part.drain()


__all__ = ["MAX_OPEN_FILES", "DirectoryWriter", "Rolling"]
