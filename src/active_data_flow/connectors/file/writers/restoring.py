"""What a file that is appended to begins with, and the repair of what a killed run has left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from active_data_flow.connectors.file.publish import writing
from active_data_flow.connectors.file.writers.tail import Found, Ledger, LedgerFile, look_at, size_of
from active_data_flow.connectors.file.writers.text_file import (
    TextCompression,
    TextEncoder,
    TextFile,
    compressor,
    trailer_of,
)
from active_data_flow.core.checkpoint import Checkpoint, Committable
from active_data_flow.core.errors import SinkError


@dataclass(frozen=True, slots=True)
class TextTarget:
    """A file that rows are appended to.

    Attributes:
        path: The file.
        encoder: Makes text of rows.
        compression: How it is compressed.
        header: Reads the names of its columns; None where it has no header line.
        allow_existing: Whether it may have content before the flow's first run.
    """

    path: Path
    encoder: TextEncoder
    compression: TextCompression
    header: Callable[[], list[str]] | None
    allow_existing: bool

    @property
    def trailer(self) -> bytes:
        """The bytes that close the file."""
        return trailer_of(self.encoder, compressor(self.compression))

    def open(self, found: Found) -> TextFile:
        """The file, to be continued at what was found."""
        return TextFile(self.path, self.encoder, self.compression, length=found.length, has_rows=found.has_rows)


class Restoring:
    """Finds out what a file begins with, and cuts what a killed run of the flow has left uncommitted.

    Args:
        flow: The flow that is about to write.
        target: The file.
        checkpoint: The flow's newest checkpoint.
    """

    def __init__(self, flow: str, target: TextTarget, checkpoint: Checkpoint | None) -> None:
        self._flow = flow
        self._target = target
        self._path = target.path
        self._first = checkpoint is None or not checkpoint.splits
        self._committables: Sequence[Committable] = (*checkpoint.committables, *checkpoint.done) if checkpoint else ()

    def found(self) -> Found:
        """What the writer goes on behind.

        Raises:
            SinkError: See `AppendingWriter.restore`.
        """
        ledger = LedgerFile(self._path).read()
        size = size_of(self._path)
        if ledger is None:
            return self._without_ledger(size)
        if ledger.closed is None:
            return self._after_kill(ledger, size)
        return self._after_close(ledger, ledger.closed, size)

    def _without_ledger(self, size: int | None) -> Found:
        lengths = [int(entry["length"]) for entry in self._committables if entry.get("path") == str(self._path)]
        if lengths and not self._first and (size or 0) < max(lengths):
            raise self._too_short(size, max(lengths))
        return self._foreign()

    def _after_kill(self, ledger: Ledger, size: int | None) -> Found:
        if ledger.flow != self._flow:
            message = (
                f"{self._path} is being written by the flow {ledger.flow!r}, or that flow was killed while it wrote; "
                f"run it to its end first, or, if it is no more, delete {LedgerFile(self._path).path}"
            )
            raise SinkError(message)
        if (size or 0) < ledger.length:
            return self._lost(size, ledger.length)
        if size is not None:
            self._cut(ledger)
        return _own(ledger)

    def _after_close(self, ledger: Ledger, closed: int, size: int | None) -> Found:
        expected = closed + (len(self._target.trailer) if closed else 0)
        if (size or 0) < expected:
            return self._lost(size, expected)
        changed = size != expected
        if closed == ledger.length:
            return self._foreign() if changed or ledger.flow != self._flow else _own(ledger)
        if changed or ledger.flow != self._flow:
            message = (
                f"{self._path} ends with rows that the flow {ledger.flow!r} has not committed, and something was "
                f"appended behind them; cut the file to {ledger.length} bytes by hand, keeping what is yours"
            )
            raise SinkError(message)
        self._cut(ledger)
        return _own(ledger)

    def _cut(self, ledger: Ledger) -> None:
        file = self._target.open(_own(ledger))
        try:
            file.cut(ledger.length)
        finally:
            file.close()

    def _lost(self, size: int | None, expected: int) -> Found:
        if self._first:
            return self._foreign()
        raise self._too_short(size, expected)

    def _foreign(self) -> Found:
        return look_at(self._path, self._target.compression, self._target.encoder.separator)

    def _too_short(self, size: int | None, expected: int) -> SinkError:
        now = "is gone" if size is None else f"has {size} bytes"
        return SinkError(
            f"{self._path} {now}, but {expected} bytes of it are committed: someone has truncated, replaced or removed "
            "it. Put it back, or write to another path, or write everything again with --from-start"
        )


def forget(flow: str, target: TextTarget) -> None:
    """Cut what the flow has not committed, and delete its ledger; the file is then taken as it is."""
    file = LedgerFile(target.path)
    with writing(target.path):
        ledger = file.read()
        if ledger is not None and ledger.flow == flow:
            Restoring(flow, target, None).found()
            file.remove()


def _own(ledger: Ledger) -> Found:
    return Found(ledger.length, ledger.has_rows, ledger.complete, own=True, columns=ledger.columns)


__all__ = ["Restoring", "TextTarget", "forget"]
