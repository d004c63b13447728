"""One file that is written anew and published as a whole, at the end of the run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from active_data_flow.connectors.file.publish import (
    TemporaryNames,
    closing,
    make_directory,
    prepared,
    sink_error,
    writing,
)
from active_data_flow.connectors.file.writers.columns import Fitting, write_rows
from active_data_flow.connectors.file.writers.part import OpenPart, PartFile
from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint, Committable
from active_data_flow.core.errors import SchemaError, SinkError
from active_data_flow.core.policies import Drift
from active_data_flow.core.sink import TwoPhaseWriter, WriterContext

ReadRows = Callable[[Path], tuple[pa.Schema, Iterator[pa.RecordBatch]]]
"""Columns and rows of an existing file."""


class WholeFileWriter(TwoPhaseWriter):
    """Writes to a temporary file beside the final one, which keeps its content until the commit.

    Args:
        context: Flow, epoch, writer, contract.
        path: The final file.
        open_part: Opens a file.
        encoder: Of text formats.
        fitting: How rows are made to fit.
        read: Reads the rows of the existing file, which then come first; None for text formats.
        append: Whether the existing file's rows are kept.
        allow_existing: Whether the file may exist before the flow's first run.
    """

    def __init__(
        self,
        context: WriterContext,
        path: Path,
        open_part: OpenPart,
        encoder: Any,
        fitting: Fitting,
        read: ReadRows | None,
        *,
        append: bool,
        allow_existing: bool,
    ) -> None:
        self._path = path
        self._open_part = open_part
        self._encoder = encoder
        self._fitting = fitting
        self._read = read
        self._append = append
        self._allow_existing = allow_existing
        self._names = TemporaryNames(context)
        self._part: PartFile | None = None
        self._temporary = path
        self._known = pa.schema([])

    def restore(self, checkpoint: Checkpoint | None) -> None:
        """Delete the temporary files that killed runs of this flow have left."""
        first = checkpoint is None or not checkpoint.splits
        if first and not self._allow_existing and self._path.exists():
            message = f"{self._path} exists already, and allow_existing is false; delete it or choose another path"
            raise SinkError(message)
        if self._path.parent.is_dir():
            kept = checkpoint.committables if checkpoint else ()
            self._names.remove_leftovers(self._path.parent, kept, suffix=f"-{self._path.name}")

    def write(self, batch: Batch) -> None:
        """Append the rows to the temporary file."""
        batch = replace(batch, metadata=None, rejects=())
        with writing(self._path):
            part = self._part or self._begin(batch.data.schema)
            write_rows(part, self._fitting.fit(batch, self._known), self._encoder, self._fitting)

    def prepare(self) -> list[Committable]:
        """Close and sync the temporary file; nothing where no rows came."""
        if self._part is None:
            return []
        with closing(self._path):
            self._part.finish()
            committable = prepared(self._path.parent, self._temporary, self._path)
        self._part = None
        # what follows in this run is added to what it has published
        self._append = True
        return [committable]

    def close(self) -> None:
        """Delete what was not prepared."""
        if self._part is not None:
            self._part.abandon()
            self._part = None

    def _begin(self, schema: pa.Schema) -> PartFile:
        exists = self._path.exists()
        if not exists and self._fitting.contract.table is not Drift.EVOLVE:
            message = f"{self._path} does not exist, and the flow's contract for tables is not to create it"
            raise SchemaError(message)
        make_directory(self._path.parent)
        self._temporary = self._path.with_name(self._names.whole(self._path.name))
        keep = self._append and exists
        if keep and self._read is not None:
            return self._carried_over(self._read, schema)
        known = self._fitting.columns_of(schema)
        if keep:
            shutil.copyfile(self._path, self._temporary)
            self._part = self._open_part(self._temporary, self._known)
        else:
            self._known = known
            self._part = self._open_part(self._temporary, known)
        return self._part

    def _carried_over(self, read: ReadRows, schema: pa.Schema) -> PartFile:
        try:
            known, batches = read(self._path)
        except pa.ArrowInvalid as error:
            message = f"{self._path} can't be appended to: {error}; delete it, repair it, or set mode: replace"
            raise SinkError(message) from error
        except OSError as error:
            raise sink_error(error, self._path) from error
        self._known = self._fitting.evolved(self._fitting.columns_of(known), schema)
        part = self._part = self._open_part(self._temporary, self._known)
        for batch in batches:
            part.write(self._fitting.fit(Batch(batch, "", None), self._known).data)
        return part


__all__ = ["ReadRows", "WholeFileWriter"]
