"""Reads a source as the engine does, with commits that a test can stop behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.clock import CLOCK
from active_data_flow.source_support import IDLE, AssignedSplit, SplitSource
from active_data_flow.source_support.direct import DirectContext


class Replay:
    """What a flow has committed of a source: rows and positions, in one transaction each.

    Batches without position are held back till their split is finished, as the engine does.
    """

    def __init__(self, lanes: int = 1) -> None:
        self.lanes = lanes
        self.rows: list[dict[str, Any]] = []
        self.rejects: list[Any] = []
        self.states: dict[str, SplitState] = {}

    def run(self, source: SplitSource, *, stop_after: int | None = None) -> list[dict[str, Any]]:
        """Read till the end, or till a number of batches; returns the rows that this run committed."""
        before = len(self.rows)
        for number, _ in enumerate(self.batches(source), 1):
            if number == stop_after:
                break
        return self.rows[before:]

    def batches(self, source: SplitSource) -> Iterator[Batch]:
        """Each batch, after it was committed."""
        context = _Lanes(dict(self.states), self.lanes)
        serializer = source.split_serializer()
        held: dict[str, list[Batch]] = {}
        with closing(source.create_enumerator(context)) as enumerator:
            readers = [source.create_reader(_Lane(context, number)) for number in range(self.lanes)]
            try:
                enumerator.start()
                for reader in readers:
                    reader.start()
                while readers_busy(context, enumerator, readers, serializer):
                    for reader in readers:
                        item = reader.poll()
                        if isinstance(item, Batch):
                            self._commit(item, held, serializer.to_json(context.splits[item.split_id]))
                            yield item
                        elif item is IDLE and source.boundedness.value == "endless":
                            return
            finally:
                for reader in readers:
                    reader.close()

    def _commit(self, batch: Batch, held: dict[str, list[Batch]], split: Any) -> None:
        waiting = held.setdefault(batch.split_id, [])
        waiting.append(batch)
        if batch.position is None and not batch.finished:
            return
        for one in waiting:
            self.rows += one.data.to_pylist()
            self.rejects += one.rejects
        waiting.clear()
        self.states[batch.split_id] = SplitState(split, batch.position, batch.finished)


class _Lanes(DirectContext):
    def __init__(self, restored: dict[str, SplitState], lanes: int) -> None:
        super().__init__(restored)
        self.lanes = lanes
        self.splits: dict[str, Any] = {}
        self.wanting: list[int] = []
        self.given: list[tuple[int, Any]] = []
        self.ended: list[int] = []

    def current_parallelism(self) -> int:
        return self.lanes

    def assign_split(self, split: Any, reader: int) -> None:
        self.splits[split.split_id] = split
        self.given.append((reader, split))

    def signal_no_more_splits(self, reader: int) -> None:
        self.ended.append(reader)


class _Lane:
    def __init__(self, lanes: _Lanes, reader: int) -> None:
        self.reader = reader
        self.configuration: dict[str, Any] = {}
        self.clock = CLOCK
        self._lanes = lanes

    def send_split_request(self) -> None:
        self._lanes.wanting.append(self.reader)

    def count(self, metric: str, value: float = 1) -> None:
        self._lanes.count(metric, value)


def readers_busy(context: _Lanes, enumerator: Any, readers: list[Any], serializer: Any) -> bool:
    """Answer requests; whether any reader still has something to read."""
    while context.wanting:
        enumerator.handle_split_request(context.wanting.pop(0))
    while context.given:
        reader, split = context.given.pop(0)
        split = serializer.deserialize(serializer.serialize(split))
        state = context.restored.get(split.split_id)
        readers[reader].add_splits([AssignedSplit(split, None if state is None else state.position)])
    return len(context.ended) < len(readers) or any(reader.snapshot() for reader in readers)
