"""The easy way to write, and the fast one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, ClassVar

import pyarrow as pa

from active_data_flow.core.batch import Batch, Reject
from active_data_flow.core.checkpoint import Checkpoint, Committable
from active_data_flow.core.component import Component
from active_data_flow.core.errors import RecordError
from active_data_flow.core.policies import SchemaContract


class Delivery(Enum):
    """How a sink makes data and positions agree; the guarantee of a flow follows from it."""

    AT_LEAST_ONCE = "at-least-once"
    """Written, then saved: a killed run may write some records again."""
    IDEMPOTENT = "idempotent"
    """Written, then saved; writing again changes nothing."""
    TRANSACTIONAL = "transactional"
    """Data and positions are one transaction of the sink."""
    TWO_PHASE = "two-phase"
    """Prepared, decision saved, committed; a decision is carried out after a crash."""


def _reject_nothing(reject: Reject) -> None:
    message = f"no one takes rejected records here: {reject.error}"
    raise NotImplementedError(message)


def _refuse(reject: Reject) -> None:
    raise RecordError(reject.error, field=reject.field)


@dataclass(frozen=True, slots=True)
class WriterContext:
    """What a writer gets to know when it is opened.

    Attributes:
        flow: Name of the flow (of the pipeline, where a flow has several); the key under which a transactional sink
            keeps positions.
        epoch: Number of this run; `TransactionalWriter.restore` may raise it.
        writer: Number of this writer among the run's, from 0.
        contract: What to do when the schema of the data differs from the sink's.
        reject: Sets one record aside; raises where the flow's policy is to fail.
    """

    flow: str
    epoch: int = 1
    writer: int = 0
    contract: SchemaContract = field(default_factory=SchemaContract)
    reject: Callable[[Reject], None] = _reject_nothing


class Writer(ABC):
    """A sink, open. Used by one thread at a time.

    Raises:
        SinkUnavailableError: From any method: the engine closes the writer, and repeats from the last checkpoint.
        SinkError: From any method: the run stops.
    """

    @abstractmethod
    def write(self, batch: Batch) -> None:
        """Take the rows; they may stay in a buffer till `flush`. Unusable rows go to `WriterContext.reject`."""

    def flush(self) -> None:
        """Hand everything to the store; returns when it is there."""

    def close(self) -> None:
        """Release everything. What was not committed is rolled back. May be called twice."""


class TransactionalWriter(Writer):
    """A writer that keeps the positions in the same store, and commits them with the rows in one transaction."""

    @abstractmethod
    def restore(self) -> Checkpoint | None:
        """Take over the flow: fence off older runs, and give the positions that the store holds.

        Called on the first writer of a run before any `write`. The checkpoint's epoch is this run's, not below the
        context's; the other writers are opened with it. None where the store has nothing of this flow; the epoch is
        then the context's.
        """

    @abstractmethod
    def commit(self, checkpoint: Checkpoint) -> None:
        """Flush, store the positions of the moved splits, check the fence, and commit all of it at once.

        Raises:
            FencedError: A newer run has taken over; nothing was committed.
        """

    def transaction(self) -> AbstractContextManager[None]:
        """A scope for what a store does before a commit: in a database that both share, it is part of it.

        The default shares nothing.
        """
        return nullcontext()


class TwoPhaseWriter(Writer):
    """A writer that prepares what a committer then makes visible."""

    def restore(self, checkpoint: Checkpoint | None) -> None:
        """Clean up what a killed run has left behind uncommitted. Called on the first writer, before any `write`."""

    @abstractmethod
    def prepare(self) -> list[Committable]:
        """Make everything written durable, but not visible; what it returns is stored with the positions.

        Committables of earlier prepares that still matter (as the length of a file that is appended to) are given
        again: the stored list is replaced by the newest.
        """


class Committer(ABC):
    """Makes prepared data visible. Idempotent: after a crash the same committables come again."""

    @abstractmethod
    def commit(self, committables: Sequence[Committable]) -> None:
        """Make all of them visible; those already visible are passed over."""

    def close(self) -> None:
        """Release everything."""


class Sink(Component):
    """A place to write to. Override `write`, or `open` for the fast way.

    Attributes:
        delivery: How data and positions agree.
        max_writers: Writers that may be open at once; None for any number. Lanes share what there is.
        commits_only_at_end: True where the sink can commit only when the run ends (a single Parquet file); the
            engine then makes no checkpoints in between.

    Example:
        >>> class Printer(Sink):
        ...     def write(self, message):
        ...         print(dict(message))
        >>> Printer().write({"a": 1})
        {'a': 1}
    """

    delivery: ClassVar[Delivery] = Delivery.AT_LEAST_ONCE

    @property
    def variant(self) -> str:
        """As of any component; a class of the user's own that only overrides `write` is ``write``."""
        if self.type or type(self).open is not Sink.open:
            return self.name_in_errors
        return "write" if self.delivery is Delivery.AT_LEAST_ONCE else f"write:{self.delivery.value}"

    @property
    def delivery_here(self) -> tuple[Delivery, str]:
        """How data and positions agree with these options, and why; the reason is shown by ``adf explain``."""
        return self.delivery, f"the {self.name_in_errors} sink is {self.delivery.value}"

    @property
    def max_writers(self) -> int | None:
        """Writers that may be open at once; None for any number. One where `write` is all there is: lanes share it."""
        return 1 if type(self).open is Sink.open else None

    @property
    def commits_only_at_end(self) -> bool:
        """Whether the sink can commit only when the run ends or pauses."""
        return False

    def hint(self) -> str:
        """A command that shows what was written, for the summary of a run; empty where there is none."""
        return ""

    def doubles(self) -> str:
        """Where records that are read again would stand there twice: what prevents that; else, or unknown, empty."""
        return ""

    def arrow_schema(self) -> pa.Schema | None:
        """Columns and types that the place has now; None where it has none yet."""
        return None

    def write(self, message: Mapping[str, Any]) -> None:
        """Write one message. The easy way; sinks that open a writer of their own write and commit it at once.

        Raises:
            RecordError: The place refuses the message; names the field.
        """
        if type(self).open is Sink.open:
            raise NotImplementedError(f"{type(self).__name__} has to override write(message) or open(context)")
        context = WriterContext("", reject=_refuse)
        writer = self.open(context)
        try:
            self._write_alone(writer, context, Batch(pa.RecordBatch.from_pylist([dict(message)]), "", None))
        finally:
            writer.close()

    def flush(self) -> None:
        """Hand everything to the store. Called before each checkpoint."""

    def close(self) -> None:
        """Release everything."""

    def open(self, context: WriterContext) -> Writer:
        """A writer for one lane. The default calls `write` for every row."""
        return _MessageWriter(self)

    def _write_alone(self, writer: Writer, context: WriterContext, batch: Batch) -> None:
        """Write and commit a batch outside of any run."""
        if isinstance(writer, TransactionalWriter):
            restored = writer.restore()
            context = replace(context, epoch=context.epoch if restored is None else restored.epoch)
            writer.write(batch)
            writer.commit(Checkpoint(context.epoch))
        elif isinstance(writer, TwoPhaseWriter):
            writer.restore(None)
            writer.write(batch)
            writer.flush()
            self.committer(context).commit(writer.prepare())
        else:
            writer.write(batch)
            writer.flush()
        self.finish(context)

    def committer(self, context: WriterContext) -> Committer:
        """Of a two-phase sink: what makes prepared data visible."""
        raise NotImplementedError(f"{type(self).__name__} is not a two-phase sink")

    def finish(self, context: WriterContext) -> None:
        """Called once after the last commit of a run that read its source to the end."""

    def reset(self, flow: str) -> None:
        """Forget the positions that the place itself keeps of a flow; data stays."""

    def positions(self, flow: str) -> Checkpoint | None:
        """The positions that the place itself keeps, without taking over; None where it keeps none."""
        return None


class _MessageWriter(Writer):
    """Adapts a sink that overrides `write` to the engine's one shape."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, batch: Batch) -> None:
        from active_data_flow.core.message import messages_of

        for message in messages_of(batch):
            self._sink.write(message)

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        self._sink.close()


__all__ = [
    "Committer",
    "Delivery",
    "Sink",
    "TransactionalWriter",
    "TwoPhaseWriter",
    "Writer",
    "WriterContext",
]
