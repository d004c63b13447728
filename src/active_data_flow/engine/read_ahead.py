"""Reads the next batches while the last one is transformed and written."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from active_data_flow.core.batch import Batch
from active_data_flow.core.errors import ActiveDataFlowError, SourceError
from active_data_flow.engine.budget import Stop
from active_data_flow.source_support import END, SourceReader

_TICK = 0.2
_IDLE_PAUSES = (0.001, 0.005, 0.02, 0.05)


class ReadAhead:
    """A reader in a thread of its own, with a bounded number of bytes between it and the lane.

    Args:
        reader: The reader; from `start` on only the thread calls it.
        limit: Bytes that may wait; one batch may always wait.
        stop: Ends the reading.
        name: Name of the thread.
    """

    def __init__(self, reader: SourceReader[Any], limit: int, stop: Stop, name: str) -> None:
        self.reader = reader
        self.idle = False
        """Whether there has been nothing new for a while, and the lane has taken all that there was."""
        self._limit = limit
        self._stop = stop
        self._waiting: deque[Batch] = deque()
        self._bytes = 0
        self._ended = False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def __iter__(self) -> Iterator[Batch | None]:
        """Batches in order; None now and then while there is none, so that the lane can commit in time.

        Raises:
            SourceError: The reader has failed; raised after the batches it gave before.
        """
        while not self._stop.is_set:
            with self._changed:
                if not self._waiting and not self._ended:
                    self._changed.wait(_TICK)
                batch = self._waiting.popleft() if self._waiting else None
                if batch is not None:
                    self._bytes -= batch.nbytes
                    self._changed.notify_all()
                elif self._ended:
                    break
            yield batch
        if self._error is not None and not self._stop.is_set:
            raise self._error

    def close(self) -> None:
        """Wait for the thread and close the reader; `stop` has been set, or the reader has ended."""
        with self._changed:
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self.reader.close()

    def _run(self) -> None:
        try:
            self.reader.start()
            self._read()
        except ActiveDataFlowError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001  # raised again in the lane's thread
            self._error = SourceError(f"{type(error).__name__}: {error}")
            self._error.__cause__ = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read(self) -> None:
        idle = 0
        while not self._stop.is_set:
            item = self.reader.poll()
            if isinstance(item, Batch):
                idle = 0
                self.idle = False
                self._put(item)
            elif item is END:
                return
            else:
                self.idle = self.idle or (idle >= len(_IDLE_PAUSES) and not self._waiting)
                self._stop.wait(_IDLE_PAUSES[min(idle, len(_IDLE_PAUSES) - 1)])
                idle += 1

    def _put(self, batch: Batch) -> None:
        size = batch.nbytes
        with self._changed:
            while self._waiting and self._bytes + size > self._limit and not self._stop.is_set:
                self._changed.wait(_TICK)
            self._waiting.append(batch)
            self._bytes += size
            self._changed.notify_all()


__all__ = ["ReadAhead"]
