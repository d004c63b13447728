"""What a flow must remember to go on where it stopped, and where that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from active_data_flow.core.batch import Position, Reject


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done: of a split since its beginning, or of a run. Only what is committed counts."""

    records_read: int = 0
    records_written: int = 0
    records_rejected: int = 0
    bytes_read: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.records_read + other.records_read,
            self.records_written + other.records_written,
            self.records_rejected + other.records_rejected,
            self.bytes_read + other.bytes_read,
        )

    def __sub__(self, other: Counts) -> Counts:
        return self + Counts(-other.records_read, -other.records_written, -other.records_rejected, -other.bytes_read)


@dataclass(frozen=True, slots=True)
class SplitState:
    """A split and how far it was read, as it is stored.

    Attributes:
        split: The split in the JSON form that its source's split serializer makes.
        position: Position up to which it is committed; None where nothing is yet.
        finished: True where it was read to its end.
        sequence: Number of the commit, counted per split; tells whether what was staged beside the data
            (rejects) belongs to a commit that came to be.
        counts: What was committed of the split so far; kept here so that it is exact whatever happens to a run.
    """

    split: Any
    position: Position = None
    finished: bool = False
    sequence: int = 0
    counts: Counts = Counts()

    def to_json(self) -> dict[str, Any]:
        """A JSON-safe mapping that `from_json` reads."""
        return {
            "split": self.split,
            "position": self.position,
            "finished": self.finished,
            "sequence": self.sequence,
            "counts": asdict(self.counts),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SplitState:
        """The state that `to_json` wrote."""
        return cls(
            value["split"],
            value["position"],
            bool(value["finished"]),
            int(value["sequence"]),
            Counts(**value["counts"]),
        )


Committable = dict[str, Any]
"""What a two-phase sink has prepared and must still commit: JSON-safe, idempotent by its ``id``."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Positions of a flow's splits at one moment.

    Attributes:
        epoch: The run that made it; a higher epoch fences off a lower one.
        splits: State by split id. In a commit only the splits that moved; in a restore all of them.
        committables: What a two-phase sink has prepared and is not known to have committed.
        writer: Number of the writer that prepared the committables.
        done: In a restore: what each writer's last commit has carried out.
    """

    epoch: int
    splits: Mapping[str, SplitState] = field(default_factory=dict[str, SplitState])
    committables: Sequence[Committable] = ()
    writer: int = 0
    done: Sequence[Committable] = ()


@dataclass(frozen=True, slots=True)
class StagedReject:
    """A rejected record with the commit that it belongs to."""

    reject: Reject
    sequence: int
    run_id: str = ""
    flow_version: str = ""


class CheckpointStore(Protocol):
    """Keeps checkpoints, runs and rejected records of flows; all methods may be called from any thread.

    Raises:
        CheckpointError: The store can't be read or written.
        FencedError: `save` or `mark_committed` with an epoch older than the flow's.
    """

    def acquire(self, flow: str, *, wait: float = 0.0) -> Any:
        """Take the flow's lock for this process: a context manager that gives it back.

        Raises:
            AlreadyRunningError: Another run holds it, also after `wait` seconds; names its process and start.
        """
        ...

    def begin(self, flow: str, *, at_least: int = 0) -> int:
        """Start a new epoch, higher than every one before and not below `at_least`; fences off older runs."""
        ...

    def load(self, flow: str) -> Checkpoint | None:
        """The flow's newest checkpoint, or None where it has none."""
        ...

    def save(self, flow: str, checkpoint: Checkpoint, rejects: Iterable[StagedReject] = ()) -> None:
        """Merge moved splits, keep the writer's committables and store rejects, all in one transaction."""
        ...

    def stage_rejects(self, flow: str, epoch: int, rejects: Iterable[StagedReject]) -> None:
        """Store rejects whose data is about to be committed elsewhere; `save` of their splits makes them count."""
        ...

    def settle_rejects(self, flow: str, committed: Mapping[str, int]) -> None:
        """After a crash: staged rejects up to the committed sequence (split id -> sequence) count, others go."""
        ...

    def mark_committed(self, flow: str, epoch: int, writer: int | None = None) -> None:
        """The committables of a writer, or of all (None), have been carried out."""
        ...

    def reset(self, flow: str) -> None:
        """Forget all positions of the flow; runs and rejects stay."""
        ...

    def close(self) -> None:
        """Release what the store holds."""
        ...


__all__ = ["Checkpoint", "CheckpointStore", "Committable", "Counts", "SplitState", "StagedReject"]
