"""One execution of a flow: what limits it, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.policies import parse_bytes, parse_seconds


class RunStatus(Enum):
    """How a run ended."""

    SUCCESS = "success"
    """The source was read to its end (an endless one: was caught up with)."""
    PAUSED = "paused"
    """The budget was used up; the next run goes on."""
    INTERRUPTED = "interrupted"
    """It was asked to stop and did so at a checkpoint; the next run goes on."""
    FAILED = "failed"
    """It failed; the next run goes on from the last checkpoint."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a run may do before it stops at a checkpoint. None: no limit.

    Attributes:
        seconds: Wall time.
        records: Records read.
        bytes: Bytes read.
        until_caught_up: Of an endless source: stop when there is nothing new.

    Example:
        >>> Budget.parse("30s").seconds
        30.0
        >>> Budget.parse("10000records").records
        10000
    """

    seconds: float | None = None
    records: int | None = None
    bytes: int | None = None
    until_caught_up: bool = False

    @classmethod
    def parse(cls, text: str) -> Budget:
        """A budget from text: ``30s``, ``10000records``, ``64MB``, ``caught-up``, or several joined by a comma.

        Raises:
            ConfigurationError: The text is none of these.
        """
        limits: dict[str, Any] = {}
        for part in text.lower().replace(" ", "").split(","):
            limits |= _limit(part)
        return cls(**limits)


def _limit(part: str) -> dict[str, Any]:
    if part in ("caught-up", "caughtup"):
        return {"until_caught_up": True}
    if match := re.fullmatch(r"(\d+)(records?|rows?)", part):
        return {"records": int(match.group(1))}
    for name, parse in (("seconds", parse_seconds), ("bytes", parse_bytes)):
        try:
            return {name: parse(part)}
        except ValueError:
            continue
    message = f'a budget is a time, a number of records or a size, as "30s", "10000records", "64MB" (given: {part!r})'
    raise ConfigurationError(message)


@dataclass(slots=True)
class RunResult:
    """What a run did. Only what was committed counts.

    Attributes:
        flow: Name of the flow.
        run_id: Id of the run.
        status: How it ended.
        records_read: Records read, rejected ones included.
        records_written: Records that the sink has taken.
        records_rejected: Records set aside.
        bytes_read: Bytes of the source.
        seconds: Wall time.
        guarantee: ``exactly-once``, ``at-least-once`` …
        error: Message of the error, where it failed.
        interrupted_by: Who asked an interrupted run to stop, as ``SIGTERM``.
        target: Where the result is, as people read it.
        checkpoints: Commits that were made.
        retries: Attempts that failed for a reason that passed.
        metrics: Everything else that was counted, by name.
    """

    flow: str
    run_id: str
    status: RunStatus = RunStatus.FAILED
    records_read: int = 0
    records_written: int = 0
    records_rejected: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    guarantee: str = ""
    error: str | None = None
    interrupted_by: str | None = None
    target: str = ""
    checkpoints: int = 0
    retries: int = 0
    metrics: dict[str, float] = field(default_factory=dict[str, float])

    def to_json(self) -> dict[str, Any]:
        """A JSON-safe mapping with all attributes."""
        return {
            "flow": self.flow,
            "run_id": self.run_id,
            "status": self.status.value,
            "records_read": self.records_read,
            "records_written": self.records_written,
            "records_rejected": self.records_rejected,
            "bytes_read": self.bytes_read,
            "seconds": round(self.seconds, 3),
            "guarantee": self.guarantee,
            "error": self.error,
            "interrupted_by": self.interrupted_by,
            "target": self.target,
            "checkpoints": self.checkpoints,
            "retries": self.retries,
            "metrics": self.metrics,
        }


__all__ = ["Budget", "RunResult", "RunStatus"]
