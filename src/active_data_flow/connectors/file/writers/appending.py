"""One text file that rows are appended to; a kill leaves a torn tail, which the next run cuts."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from active_data_flow.connectors.file.publish import make_directory, remove_if_there, writing
from active_data_flow.connectors.file.writers.columns import Fitting, names_only, write_rows
from active_data_flow.connectors.file.writers.restoring import Restoring, TextTarget
from active_data_flow.connectors.file.writers.tail import Found, Ledger, LedgerFile, size_of
from active_data_flow.connectors.file.writers.text_file import TextFile
from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint, Committable
from active_data_flow.core.errors import FencedError, SchemaError, SinkError
from active_data_flow.core.policies import Drift
from active_data_flow.core.sink import Committer, TwoPhaseWriter, WriterContext


class AppendingWriter(TwoPhaseWriter):
    """Appends rows; what is committed is told by the ledger beside the file.

    Args:
        context: Flow, epoch, contract.
        target: The file.
        fitting: How rows are made to fit.
    """

    def __init__(self, context: WriterContext, target: TextTarget, fitting: Fitting) -> None:
        self._flow = context.flow
        self._epoch = context.epoch
        self._target = target
        self._fitting = fitting
        self._ledger = LedgerFile(target.path)
        self._token = secrets.token_hex(8)
        self._found: Found | None = None
        self._seen: Ledger | None = None
        self._file: TextFile | None = None
        self._known: pa.Schema | None = None
        self._settled = 0

    def restore(self, checkpoint: Checkpoint | None) -> None:
        """Cut the torn tail of a killed run, and find out what the file begins with.

        Raises:
            SinkError: The file has lost committed rows, or another flow is at work on it.
        """
        with writing(self._target.path):
            self._found = Restoring(self._flow, self._target, checkpoint).found()
            self._seen = self._ledger.read()

    def write(self, batch: Batch) -> None:
        """Append the rows.

        Raises:
            FencedError: Another run writes to the file meanwhile.
        """
        batch = replace(batch, metadata=None, rejects=())
        with writing(self._target.path):
            file = self._own(self._file) if self._file else self._begin()
            strict = self._known is None
            known = self._columns(batch.data.schema) if self._known is None else self._known
            own = self._found is None or self._found.own
            fitted = self._fitting.fit(batch, known, strict=strict and not own)
            self._known = known
            write_rows(file, fitted, self._target.encoder, self._fitting)

    def prepare(self) -> list[Committable]:
        """Make the rows durable; they count once the returned length is stored.

        Raises:
            FencedError: Another run writes to the file meanwhile.
        """
        if self._file is None:
            return []
        with writing(self._target.path):
            self._settled = self._own(self._file).settle()
        path = str(self._target.path)
        return [
            {
                "id": f"{path}@{self._settled}",
                "path": path,
                "length": self._settled,
                "has_rows": self._file.has_rows,
                "columns": None if self._known is None else self._known.names,
            }
        ]

    def close(self) -> None:
        """Cut what was not prepared."""
        if self._file is None:
            return
        file, self._file = self._file, None
        # where the disk refuses even this, the next run finds the ledger open and cuts the tail
        with suppress(OSError):
            try:
                self._roll_back(file)
            finally:
                file.close()

    def _roll_back(self, file: TextFile) -> None:
        ledger = self._ledger.read()
        if ledger is None or ledger.token != self._token:
            return
        file.cut(self._settled)
        if self._settled == 0 and ledger.created:
            remove_if_there(self._target.path)
            self._ledger.remove()
        else:
            self._ledger.write(replace(ledger, closed=self._settled))

    def _begin(self) -> TextFile:
        if self._found is None:
            self.restore(None)
        assert self._found is not None
        self._refuse_if_overtaken()
        path = self._target.path
        exists = path.exists()
        if not exists and self._fitting.contract.table is not Drift.EVOLVE:
            raise SchemaError(f"{path} does not exist, and the flow's contract for tables is not to create it")
        if self._found.length and not self._found.own and not self._target.allow_existing:
            message = f"{path} exists already, and allow_existing is false; delete it or choose another path"
            raise SinkError(message)
        make_directory(path.parent)
        found = self._found
        self._settled = found.length
        self._ledger.write(
            Ledger(
                self._flow,
                self._token,
                found.length,
                found.has_rows,
                found.columns,
                complete=found.complete,
                created=not exists,
                epoch=self._epoch,
            )
        )
        self._file = self._target.open(found)
        if not found.complete:
            self._file.put(self._target.encoder.separator)
        return self._file

    def _own(self, file: TextFile) -> TextFile:
        """The file, as long as the ledger has this writer's token: each writer leaves its own when it begins."""
        ledger = self._ledger.read()
        if ledger is None or ledger.token != self._token:
            raise self._overtaken()
        return file

    def _refuse_if_overtaken(self) -> None:
        """Another run of the flow may have begun to write since this one has looked at the file."""
        ledger = self._ledger.read()
        if ledger is None or ledger == self._seen or ledger.flow != self._flow:
            return
        if ledger.epoch >= self._epoch:
            raise self._overtaken()

    def _overtaken(self) -> FencedError:
        return FencedError(f"{self._target.path} has been taken over by another run; this one writes no more")

    def _columns(self, schema: pa.Schema) -> pa.Schema:
        found = self._found
        if not self._fitting.named or found is None or not found.length:
            return names_only(schema.names)
        if self._target.header is not None:
            return names_only(self._target.header())
        return names_only(found.columns or schema.names)


class AppendingCommitter(Committer):
    """Notes in the ledger how far a file is committed.

    Args:
        flow: Name of the flow.
    """

    def __init__(self, flow: str) -> None:
        self._flow = flow

    def commit(self, committables: Sequence[Committable]) -> None:
        """Raise the committed lengths; those already noted are passed over.

        Raises:
            SinkError: The file has lost rows whose commit was decided.
        """
        for committable in committables:
            path = Path(str(committable["path"]))
            with writing(path):
                self._note(path, committable)

    def _note(self, path: Path, committable: Committable) -> None:
        length = int(committable["length"])
        size = size_of(path) or 0
        if size < length:
            message = (
                f"{path} has {size} bytes, but the commit of {length} was decided: someone has truncated, replaced or "
                "removed it. Put it back, or write everything again with --from-start"
            )
            raise SinkError(message)
        file = LedgerFile(path)
        ledger = file.read() or Ledger(self._flow, "", 0, has_rows=False)
        if ledger.flow == self._flow and ledger.length < length:
            rows, columns = bool(committable["has_rows"]), committable["columns"]
            file.write(replace(ledger, length=length, has_rows=rows, columns=columns, complete=True))


__all__ = ["AppendingCommitter", "AppendingWriter"]
