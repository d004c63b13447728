"""Every error the framework raises, grouped by what the engine does next.

Each class says its fate in ``then``: `RETRY` (the attempt is repeated with backoff), `REJECT` (one record is set
aside, the run goes on) or `STOP` (the run fails and its positions stay at the last checkpoint).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Self


class Then(Enum):
    """What the engine does when it meets an error."""

    RETRY = "retry"
    REJECT = "reject"
    STOP = "stop"


class ActiveDataFlowError(Exception):
    """Root of all errors; carries where it happened, as far as that is known.

    Args:
        message: What went wrong and what to do about it.
        flow: Name of the flow.
        connector: Registered name of the source, sink or transform.
        split: Id of the split that was being read.
        position: Position in that split.
        then: Overrides what the engine does next for this one error.

    Example:
        >>> str(SourceError("file is gone", flow="prices", split="a.csv"))
        'file is gone [flow=prices split=a.csv]'
    """

    then: Then = Then.STOP
    result: Any = None
    """The `RunResult` of a run that had begun and failed with this error."""

    def __init__(
        self,
        message: str,
        *,
        flow: str | None = None,
        connector: str | None = None,
        split: str | None = None,
        position: Any = None,
        then: Then | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.flow = flow
        self.connector = connector
        self.split = split
        self.position = position
        if then is not None:
            self.then = then

    def at(
        self,
        *,
        flow: str | None = None,
        connector: str | None = None,
        split: str | None = None,
        position: Any = None,
    ) -> Self:
        """Fill in what is not known yet of the place; returns the same error, to be raised."""
        self.flow = self.flow or flow
        self.connector = self.connector or connector
        self.split = self.split or split
        self.position = position if self.position is None else self.position
        return self

    @property
    def context(self) -> dict[str, Any]:
        """Where it happened, only what is known."""
        places = {"flow": self.flow, "connector": self.connector, "split": self.split, "position": self.position}
        return {name: value for name, value in places.items() if value is not None}

    def __str__(self) -> str:
        where = " ".join(f"{name}={value}" for name, value in self.context.items())
        return f"{self.message} [{where}]" if where else self.message


class Fault(NamedTuple):
    """What is wrong with one part of a configuration.

    Attributes:
        path: Where it is, from the outermost mapping on, as ``("source", "path")``.
        message: What is wrong with it.
    """

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        where = ".".join(str(step) for step in self.path)
        return f"{where}: {self.message}" if where else self.message


class ConfigurationError(ActiveDataFlowError):
    """A flow, connector or option is not valid; nothing was read or written.

    Args:
        message: What is wrong, for people.
        faults: The same for programs, part by part; none where no single part is at fault.
        **place: See `ActiveDataFlowError`.
    """

    def __init__(self, message: str, *, faults: Sequence[Fault] = (), **place: Any) -> None:
        super().__init__(message, **place)
        self.faults = tuple(faults)

    def below(self, *path: str | int) -> Self:
        """The same error, seen from further out: its faults are below this path. Returns it, to be raised."""
        inner = self.faults or (Fault((), self.message),)
        self.faults = tuple(Fault((*path, *fault.path), fault.message) for fault in inner)
        return self


class PluginError(ConfigurationError):
    """A registered component is unknown, can't be imported or does not fit this version."""


class SourceError(ActiveDataFlowError):
    """Reading failed for good."""


class SourceUnavailableError(SourceError):
    """Reading failed in a way that may pass (connection lost, time-out); it is retried."""

    then = Then.RETRY


class SourceChangedError(SourceError):
    """What was already read has changed underneath, so that going on would lose or double records."""


class SinkError(ActiveDataFlowError):
    """Writing failed for good."""


class SinkUnavailableError(SinkError):
    """Writing failed in a way that may pass (connection lost, time-out, locked); it is retried."""

    then = Then.RETRY


class FencedError(SinkError):
    """A newer run of the same flow has taken over; this one must not write any more."""


class TransformError(ActiveDataFlowError):
    """The flow's own code, or a ready-made transform, failed."""


class SchemaError(ActiveDataFlowError):
    """Data does not fit the declared schema or the schema contract."""


class RecordError(ActiveDataFlowError):
    """One record is not usable; it is rejected by itself.

    Args:
        message: Why.
        field: Name of the field at fault, where it is one field.
        **place: See `ActiveDataFlowError`.
    """

    then = Then.REJECT

    def __init__(self, message: str, *, field: str | None = None, **place: Any) -> None:
        super().__init__(message, **place)
        self.field = field


class ExecutionError(ActiveDataFlowError):
    """The run could not be started or carried on."""


class AlreadyRunningError(ExecutionError):
    """Another run of the same flow holds its lock."""


class RejectLimitError(ExecutionError):
    """More records were rejected than the flow's policy allows."""


class CheckpointError(ExecutionError):
    """The checkpoint store can't be read or written."""


__all__ = [
    "ActiveDataFlowError",
    "AlreadyRunningError",
    "CheckpointError",
    "ConfigurationError",
    "ExecutionError",
    "Fault",
    "FencedError",
    "PluginError",
    "RecordError",
    "RejectLimitError",
    "SchemaError",
    "SinkError",
    "SinkUnavailableError",
    "SourceChangedError",
    "SourceError",
    "SourceUnavailableError",
    "Then",
    "TransformError",
]
