"""Drives a source by its contract, as the engine does, a step at a time and in one thread."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Self

from active_data_flow.core.batch import Batch, Position, Reject
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.engine.lane import LaneContext
from active_data_flow.source_support import END, AssignedSplit, Boundedness, Signal, SplitSource

PATIENCE = 30.0
"""Seconds in which a source has to give a batch, or to end."""

_CAUGHT_UP = 0.25
_PAUSE = 0.002


class Reading:
    """One run over a source: its enumerator, and its readers, which are polled in turn. To be used with ``with``.

    Args:
        source: What to read.
        states: What earlier runs have committed, by split id.
        lanes: Number of readers.
        patience: Seconds in which a bounded source has to give a batch, or to end.
        serialized: Whether splits reach their readers as bytes, as they do in other processes.

    Attributes:
        restored: What the enumerator is told of earlier runs.
        splits: All splits that were assigned, by id.
        owners: The reader that has each split that is not finished, by id.
        positions: How far each split was read, by id.
        longest_poll: Seconds that the longest poll took.
    """

    def __init__(
        self,
        source: SplitSource,
        states: Mapping[str, SplitState] | None = None,
        *,
        lanes: int = 1,
        patience: float = PATIENCE,
        serialized: bool = False,
    ) -> None:
        self.source = source
        self.lanes = lanes
        self.restored: Mapping[str, SplitState] = dict(states or {})
        self.splits: dict[str, Any] = {}
        self.owners: dict[str, int] = {}
        self.positions: dict[str, Position] = {name: state.position for name, state in self.restored.items()}
        self.longest_poll = 0.0
        self._patience = patience
        self._serialized = serialized
        self._serializer = source.split_serializer()
        self._requests: deque[int] = deque()
        self._news: deque[tuple[int, Any]] = deque()
        self._ended: set[int] = set()
        self.enumerator = source.create_enumerator(self)
        self.readers = [source.create_reader(self._context(number)) for number in range(lanes)]

    def __enter__(self) -> Self:
        self.enumerator.start()
        for number, reader in enumerate(self.readers):
            self.enumerator.add_reader(number)
            reader.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the readers and the enumerator."""
        for reader in self.readers:
            reader.close()
        self.enumerator.close()

    # what the enumerator sees

    def current_parallelism(self) -> int:
        """Number of readers."""
        return self.lanes

    def assign_split(self, split: Any, reader: int) -> None:
        """Give a split to a reader, before its next poll."""
        self._news.append((reader, split))

    def signal_no_more_splits(self, reader: int) -> None:
        """Tell a reader, before its next poll."""
        self._news.append((reader, None))

    # driving

    def batches(self) -> Iterator[Batch]:
        """Batches of all readers, till all have ended; of an endless source, till there is nothing new for a while.

        Raises:
            AssertionError: A bounded source neither gives a batch nor ends.
        """
        endless = self.source.boundedness is Boundedness.ENDLESS
        last = time.monotonic()
        while len(self._ended) < self.lanes:
            for lane in range(self.lanes):
                item = self.poll(lane) if lane not in self._ended else END
                if isinstance(item, Batch):
                    yield item
                    last = time.monotonic()
            if (waited := time.monotonic() - last) > _PAUSE:
                if endless and waited > _CAUGHT_UP:
                    return
                self._wait(waited, endless=endless)

    def poll(self, lane: int) -> Batch | Signal:
        """Bring a reader what the enumerator has for it, and poll it once."""
        self._deliver()
        started = time.monotonic()
        item = self.readers[lane].poll()
        self.longest_poll = max(self.longest_poll, time.monotonic() - started)
        if isinstance(item, Batch):
            self.positions[item.split_id] = item.position
            if item.finished:
                self.owners.pop(item.split_id, None)
        elif item is END:
            self._ended.add(lane)
        return item

    def fail(self, lane: int) -> None:
        """Lose a reader: another one takes its place, and the enumerator gets its splits back."""
        self._deliver()
        self.readers[lane].close()
        self.readers[lane] = self.source.create_reader(self._context(lane))
        lost = self.of(lane)
        for name in lost:
            del self.owners[name]
        self.enumerator.add_splits_back([self.splits[name] for name in lost], lane)
        self.enumerator.add_reader(lane)
        self.readers[lane].start()

    def of(self, lane: int) -> list[str]:
        """Ids of the splits that a reader has and has not finished."""
        return [name for name, owner in self.owners.items() if owner == lane]

    def state(self, name: str, *, finished: bool) -> SplitState:
        """A split and how far it was read, as it comes back from a store."""
        state = SplitState(self._serializer.to_json(self.splits[name]), self.positions[name], finished)
        return SplitState.from_json(json.loads(json.dumps(state.to_json())))

    def _deliver(self) -> None:
        while self._requests:
            self.enumerator.handle_split_request(self._requests.popleft())
        while self._news:
            lane, split = self._news.popleft()
            if split is None:
                self.readers[lane].no_more_splits()
                continue
            if self._serialized:
                split = self._serializer.deserialize(self._serializer.serialize(split))
            self.splits[split.split_id] = split
            self.owners[split.split_id] = lane
            self.readers[lane].add_splits([AssignedSplit(split, self.positions.get(split.split_id))])

    def _wait(self, waited: float, *, endless: bool) -> None:
        if endless:
            self.enumerator.discover()
        elif waited > self._patience:
            idle = ", ".join(str(lane) for lane in range(self.lanes) if lane not in self._ended)
            raise AssertionError(f"reader {idle} of {self.lanes} answers IDLE for {waited:.1f} s, and never END")
        time.sleep(_PAUSE)

    def _context(self, lane: int) -> LaneContext:
        """What a reader sees; the answer to a request comes before its next poll."""
        return LaneContext(lane, self._requests.append, lambda _metric, _value: None, {})


class Replay:
    """What a flow has committed of a source, run after run: each batch with its position, as the engine does.

    Batches without a position are held back till their split is finished.

    Args:
        lanes: Number of readers of the next run.
        patience: See `Reading`.

    Attributes:
        rows: All rows that were committed.
        rejects: Records that could not be used.
        states: How far each split was read, by id.
        ended: Whether the last run came to the end of the source.

    Example:
        >>> replay = Replay()
        >>> first = replay.run(source, stop_after=1)
        >>> rest = replay.run(source)
    """

    def __init__(self, lanes: int = 1, *, patience: float = PATIENCE) -> None:
        self.lanes = lanes
        self.rows: list[dict[str, Any]] = []
        self.rejects: list[Reject] = []
        self.states: dict[str, SplitState] = {}
        self.ended = False
        self._patience = patience

    def run(self, source: SplitSource, *, stop_after: int | None = None) -> list[dict[str, Any]]:
        """Read till the end, or till a number of batches is committed; returns the rows that this run committed.

        A run that stops has read a batch more, which is lost, as in a crash.
        """
        before = len(self.rows)
        for _ in self.batches(source, stop_after):
            pass
        return self.rows[before:]

    def batches(self, source: SplitSource, stop_after: int | None = None) -> Iterator[Batch]:
        """Each batch, after it was committed."""
        self.ended = False
        held: dict[str, list[Batch]] = {}
        with Reading(source, self.states, lanes=self.lanes, patience=self._patience) as reading:
            for number, batch in enumerate(reading.batches()):
                if number == stop_after:
                    return
                self.commit(reading, batch, held)
                yield batch
        self.ended = True

    def commit(self, reading: Reading, batch: Batch, held: dict[str, list[Batch]]) -> None:
        """Keep a batch and its position; or hold it, where it has none and more of its split is to come."""
        waiting = held.setdefault(batch.split_id, [])
        waiting.append(batch)
        if batch.position is None and not batch.finished:
            return
        for one in waiting:
            self.rows += one.data.to_pylist()
            self.rejects += one.rejects
        waiting.clear()
        self.states[batch.split_id] = reading.state(batch.split_id, finished=batch.finished)


__all__ = ["PATIENCE", "Reading", "Replay"]
