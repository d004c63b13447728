"""What the store keeps for people: runs and rejected records."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from active_data_flow.core.checkpoint import CheckpointStore, StagedReject
from active_data_flow.core.clock import CLOCK, Clock


def now(clock: Clock = CLOCK) -> str:
    """The time in UTC, as ISO text."""
    return clock.now().isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run in the history.

    Attributes:
        run_id: Id of the run.
        flow: Name of the flow.
        status: ``running``, how it ended (`RunStatus`), or ``lost`` where its process was killed.
        started: ISO time.
        ended: ISO time; None while it runs.
        pid: Process.
        result: `RunResult.to_json`.
    """

    run_id: str
    flow: str
    status: str = "running"
    started: str = field(default_factory=now)
    ended: str | None = None
    pid: int = field(default_factory=os.getpid)
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_row(self) -> tuple[Any, ...]:
        """The record as a row of its table."""
        return (self.run_id, self.flow, self.status, self.started, self.ended, self.pid, json.dumps(self.result))

    @classmethod
    def from_row(cls, row: Any) -> RunRecord:
        """The record of a row."""
        values = dict(row)
        return cls(**{**values, "result": json.loads(values["result"])})


@dataclass(frozen=True, slots=True)
class StoredReject:
    """A rejected record as it is kept; see `Reject` for the fields that they share."""

    id: int
    flow: str
    run_id: str
    flow_version: str
    split_id: str
    sequence: int
    status: str
    at: str
    record: Any
    error: str
    error_type: str
    stage: str
    position: Any
    field: str | None
    passed: int = 0
    arrow: bytes | None = None

    def to_batch(self) -> pa.RecordBatch:
        """The record as a batch of one row, with the types that it had."""
        if self.arrow is None:
            return pa.RecordBatch.from_pylist([dict(self.record)])
        with pa.ipc.open_stream(self.arrow) as reader:
            return reader.read_next_batch()


def dump(value: Any) -> str:
    """A value as JSON text; what JSON has no type for is put as people read it."""
    return json.dumps(value, ensure_ascii=False, default=_text, separators=(",", ":"))


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def to_columns(staged: StagedReject) -> dict[str, Any]:
    """A rejected record as the columns that every store keeps of it."""
    reject = staged.reject
    record = reject.record if isinstance(reject.record, str) else dict(reject.record)
    text = dump(record)
    return {
        "run_id": staged.run_id,
        "flow_version": staged.flow_version,
        "split_id": reject.split_id,
        "sequence": staged.sequence,
        "record": text,
        "error": reject.error,
        "error_type": reject.error_type,
        "stage": reject.stage,
        "position": dump(reject.position),
        "field": reject.field,
        "passed": reject.passed,
        "arrow": to_arrow(record, text),
    }


def to_arrow(record: Any, text: str) -> bytes | None:
    """A record as an Arrow stream, where its JSON text would not give the same values back: dates, decimals, bytes."""
    if isinstance(record, str) or json.loads(text) == record:
        return None
    try:
        batch = pa.RecordBatch.from_pylist([record])
    except pa.ArrowException:  # what has no type in Arrow is replayed as the text has it
        return None
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    return stream.getvalue().to_pybytes()


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Rejected records that failed in the same way."""

    error_type: str
    stage: str
    field: str | None
    records: int
    first_id: int
    last_at: str
    example: str


class RejectStore(CheckpointStore, Protocol):
    """A checkpoint store in which rejected records can be looked up, and replayed."""

    def rejects(
        self, flow: str, status: str = "open", *, ids: Sequence[int] | None = None, limit: int = 100, offset: int = 0
    ) -> list[StoredReject]:
        """Rejected records of a flow, and of its pipelines, oldest first."""
        ...

    def reject_groups(self, flow: str, status: str = "open") -> list[RejectGroup]:
        """Rejected records counted by kind of error, most first."""
        ...

    def mark_rejects(self, flow: str, status: str, ids: Sequence[int] | None = None) -> int:
        """Give open rejects another status; None: all. Returns how many."""
        ...


def from_row(row: Any) -> StoredReject:
    """The rejected record of a row."""
    values = dict(row)
    return StoredReject(
        **{**values, "record": json.loads(values["record"]), "position": json.loads(values["position"])}
    )


__all__ = [
    "RejectGroup",
    "RejectStore",
    "RunRecord",
    "StoredReject",
    "dump",
    "from_row",
    "now",
    "to_arrow",
    "to_columns",
]
