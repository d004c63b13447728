"""A run into a sink, step by step, by the same commits as the engine's; and what it takes to kill it in between."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import pyarrow as pa

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint, SplitState, StagedReject
from active_data_flow.core.policies import SchemaContract
from active_data_flow.core.sink import Sink, WriterContext
from active_data_flow.engine.commit import commit_for
from active_data_flow.engine.stores.memory import MemoryStore
from active_data_flow.testing.suites.sink_harness import SinkHarness

_numbers = itertools.count(1)
Moment = Literal["before-save", "after-save", "before-mark"]
"""Where in a commit a run dies: before or after the store has the positions, or before it knows what is done."""

MOMENTS: tuple[Moment, ...] = ("before-save", "after-save", "before-mark")


class Killed(BaseException):  # nothing that may be caught on the way
    """The process is no more."""


class SuiteStore(MemoryStore):
    """A checkpoint store through which everything passes as JSON, and at which a run can be made to die.

    Attributes:
        flow: Name of a flow that no other store has; places may share what keeps their positions.
        dies: The moment of the next commit at which it does; None: it lives.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flow = f"conformance-{next(_numbers)}"
        self.dies: Moment | None = None

    def save(self, flow: str, checkpoint: Checkpoint, rejects: Iterable[StagedReject] = ()) -> None:
        """Merge a checkpoint."""
        self._reach("before-save")
        splits = {name: SplitState.from_json(_through_json(s.to_json())) for name, s in checkpoint.splits.items()}
        committables = _through_json(list(checkpoint.committables))
        super().save(flow, Checkpoint(checkpoint.epoch, splits, committables, checkpoint.writer), rejects)
        self._reach("after-save")

    def mark_committed(self, flow: str, epoch: int, writer: int | None = None) -> None:
        """The committables of a writer, or of all, have been carried out."""
        self._reach("before-mark")
        super().mark_committed(flow, epoch, writer)

    def _reach(self, moment: Moment) -> None:
        if self.dies == moment:
            self.dies = None
            raise Killed


class SinkRun:
    """One run, or one of its lanes: opens a writer, restores, and commits as the engine does.

    Args:
        harness: Knows how to kill a writer.
        sink: The sink.
        store: Where the positions are; runs that go on where another stopped share it.
        flow: Name of the flow; default: the store's.
        contract: What to do about schema drift.
        first: The run's first lane, for the others.
        number: Number of the lane.

    Attributes:
        rejects: Records that the writer has set aside.
        position: Rows of the lane's split that have been written since its beginning.
    """

    def __init__(
        self,
        harness: SinkHarness,
        sink: Sink,
        store: SuiteStore | None = None,
        *,
        flow: str = "",
        contract: SchemaContract | None = None,
        first: SinkRun | None = None,
        number: int = 0,
    ) -> None:
        self.sink = sink
        self.store = store or SuiteStore()
        self.rejects: list[Reject] = []
        self.split = f"split-{number}"
        self._harness = harness
        self.flow = flow or self.store.flow
        self._contract = contract or SchemaContract()
        self._number = number
        self._way = commit_for(sink, self.store, self.flow)
        self.epoch = self.store.begin(self.flow) if first is None else first.epoch
        self.writer = sink.open(self.context())
        self.splits: dict[str, SplitState] = {}
        if first is None:
            restored = self._way.restore(self.writer, self.epoch)
            self.epoch, self.splits = restored.epoch, dict(restored.splits)
        self.position: int = self.splits[self.split].position if self.split in self.splits else 0

    def context(self) -> WriterContext:
        """The context of the lane's writer."""
        return WriterContext(self.flow, self.epoch, self._number, self._contract, self.rejects.append)

    def lane(self, number: int) -> SinkRun:
        """Another lane of the same run."""
        contract = self._contract
        return SinkRun(
            self._harness, self.sink, self.store, flow=self.flow, contract=contract, first=self, number=number
        )

    def write(self, rows: pa.RecordBatch) -> SinkRun:
        """Write rows of the lane's split."""
        self.position += rows.num_rows
        self.writer.write(Batch(rows, self.split, self.position, records_read=rows.num_rows))
        return self

    def commit(self, positions: Mapping[str, Any] | None = None) -> SinkRun:
        """Commit what was written, with the lane's position, or with others."""
        self.writer.flush()
        moved = positions or {self.split: self.position}
        self._way.commit(self.writer, Checkpoint(self.epoch, self._states(moved), writer=self._number), ())
        return self

    def end(self) -> None:
        """Commit and close, as a run does that has read its source to the end."""
        self.commit()
        self.sink.finish(self.context())
        self.close()

    def close(self) -> None:
        """Close; what was not committed is rolled back."""
        self.writer.close()
        self._way.close()

    def kill(self, at: Moment | None = None) -> None:
        """Kill the run: now, or in the middle of a commit."""
        try:
            if at is not None:
                self.store.dies = at
                self.commit()
        except Killed:
            pass
        finally:
            self.store.dies = None
        self._harness.kill(self.writer)
        del self.writer  # what runs on in a thread of it ends, as it would with the process

    def _states(self, positions: Mapping[str, Any]) -> dict[str, SplitState]:
        for name, position in positions.items():
            before = self.splits.get(name, SplitState({"name": name}))
            self.splits[name] = SplitState(before.split, position, sequence=before.sequence + 1)
        return {name: self.splits[name] for name in positions}


def numbered(start: int, count: int) -> pa.RecordBatch:
    """Rows that tell by themselves where they belong."""
    numbers = list(range(start, start + count))
    return pa.record_batch([pa.array(numbers, pa.int64()), [f"row {number}" for number in numbers]], NUMBERED)


NUMBERED = pa.schema({"id": pa.int64(), "text": pa.string()})
"""Schema of the rows that `numbered` makes."""


def _through_json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


__all__ = ["MOMENTS", "NUMBERED", "Killed", "Moment", "SinkRun", "SuiteStore", "numbered"]
