"""Cases: the engine reads the source, from the first record into a sink."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from pydantic import PrivateAttr

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import SchemaError, SourceUnavailableError
from active_data_flow.core.policies import CheckpointPolicy, Drift, ErrorPolicy, RetryPolicy, SchemaContract
from active_data_flow.core.run import Budget, RunResult, RunStatus
from active_data_flow.core.source import Source
from active_data_flow.source_support import (
    Boundedness,
    EnumeratorContext,
    ReaderContext,
    Signal,
    SourceReader,
    SplitEnumerator,
    SplitSerializer,
    SplitSource,
)
from active_data_flow.source_support.contexts import Assigned
from active_data_flow.testing.places import TransactionalMemorySink, place
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.source.cases import SourceCases
from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.tables import parts, rows_of, same, table

_numbers = count(1)
_AMOUNTS = ["1", "many", "-3", "4"]


class FlowCases(SourceCases):
    """Whole flows, with an exactly-once sink in memory."""

    @case(
        purpose="A flow loses or doubles records, or counts them wrong.",
        way="Run a flow over three parts, with one lane and with three.",
        passes="Each record is in the sink once, and the result counts them.",
        requirement="A flow with an exactly-once sink brings each record there once.",
    )
    def test_a_flow_writes_each_record(self, harness: SourceHarness) -> None:
        stored = parts(9, 4, 7)
        harness.store(*stored)
        for parallelism in (1, 3):
            with _flow(self.source(harness, poll_rows=3), parallelism=parallelism) as flow:
                result = flow.run()
                same(rows_of(stored), flow.rows)
            counted = (result.records_read, result.records_written)
            assert counted == (20, 20), f"20 records are stored; the run has read and written {counted}"

    @case(
        purpose="A flow that is run in small portions never gets on, or loses what lies between them.",
        way="Run a flow with a budget of one record, again and again, with one lane and with two.",
        passes="Each record is in the sink once.",
        requirement="A run that used up its budget stops at a checkpoint, and the next goes on there.",
        needs=["bounded", "resumable"],
    )
    def test_a_flow_goes_on_after_its_budget(self, harness: SourceHarness) -> None:
        stored = parts(4, 4)
        harness.store(*stored)
        for parallelism in (1, 2):
            with _flow(self.source(harness, poll_rows=2), parallelism=parallelism) as flow:
                runs = (flow.run(Budget(records=1)).status for _ in range(40))
                assert RunStatus.SUCCESS in runs, "after 40 runs of a record or more, 8 records are not all read"
                same(rows_of(stored), flow.rows)

    @case(
        purpose="What a retry reads again is doubled, or what it passes over is lost.",
        way="Let reading fail behind the first batch, the second, and so on, once; the engine tries again.",
        passes="The run succeeds, and each record is in the sink once.",
        requirement="After an error that may pass, a run goes on at its last checkpoint.",
    )
    def test_an_error_in_the_middle(self, harness: SourceHarness) -> None:
        stored = parts(4, 3)
        harness.store(*stored)
        source = self.source(harness, poll_rows=2)
        for after in range(4):
            with _flow(Interrupted(inner=source, after=after)) as flow:
                result = flow.run()
                same(rows_of(stored), flow.rows)
            assert result.retries == 1, f"an error behind batch {after} led to {result.retries} retries"

    @case(
        purpose="Values of another type than the declared one stop a flow that was to take them.",
        way="Declare a number, store texts, one of which is none; contract: evolve.",
        passes="Each record comes, as its text or as the number that it says.",
        requirement="Contract `evolve`: where values don't fit, a column keeps the type that it has in the data.",
    )
    def test_drift_evolves(self, harness: SourceHarness) -> None:
        with self._drift(harness, Drift.EVOLVE) as flow:
            flow.run()
            found = {row["id"]: str(row["amount"]) for row in flow.rows}
        assert found == dict(enumerate(_AMOUNTS)), f"stored {_AMOUNTS}, written {found}"

    @case(
        purpose="A record that does not fit its type vanishes, or stops the flow, or takes others with it.",
        way="Declare a number, store texts, one of which is none; contract: freeze.",
        passes="That record alone is rejected; the others come as numbers.",
        requirement="Contract `freeze`: rows that don't fit are rejected, by the source that parses them too.",
    )
    def test_drift_freezes(self, harness: SourceHarness) -> None:
        with self._drift(harness, Drift.FREEZE) as flow:
            result = flow.run()
            found = {row["id"]: row["amount"] for row in flow.rows}
        assert found == {0: 1, 2: -3, 3: 4}, f"stored {_AMOUNTS}, written {found}"
        assert result.records_rejected == 1, f"one record does not fit, and {result.records_rejected} are rejected"

    @case(
        purpose="A record is lost, though only one of its values was to be.",
        way="Declare a number, store texts, one of which is none; contract: discard.",
        passes="Each record comes, that one without its value.",
        requirement="Contract `discard`: rows are kept without the values that don't fit.",
    )
    def test_drift_discards(self, harness: SourceHarness) -> None:
        with self._drift(harness, Drift.DISCARD) as flow:
            result = flow.run()
            found = {row["id"]: row["amount"] for row in flow.rows}
        assert found == {0: 1, 1: None, 2: -3, 3: 4}, f"stored {_AMOUNTS}, written {found}"
        assert not result.records_rejected, f"{result.records_rejected} records are rejected, and none was to be"

    @case(
        purpose="A flow goes on over data that it was to stop at.",
        way="Declare a number, store texts, one of which is none; contract: fail.",
        passes="The run fails with SchemaError, and that record is not in the sink.",
        requirement="Contract `fail`: the run stops.",
    )
    def test_drift_fails(self, harness: SourceHarness) -> None:
        with self._drift(harness, Drift.FAIL) as flow:
            try:
                flow.run()
            except SchemaError:
                pass
            else:
                raise AssertionError(f"'many' is no number, and the run went on: {flow.rows}")
            assert all(row["id"] != 1 for row in flow.rows), f"the run failed, and has written {flow.rows}"

    @contextmanager
    def _drift(self, harness: SourceHarness, contract: Drift) -> Generator[_Flow]:
        harness.store(table({"amount": _AMOUNTS}))
        options: dict[str, Any] = {"contract": SchemaContract(type=contract), "on_error": ErrorPolicy(reject=True)}
        with _flow(harness.source(), schema={"id": "int64", "amount": "int64?"}, **options) as flow:
            yield flow


class _Flow:
    """A flow into memory, whose checkpoints outlive a run."""

    def __init__(self, source: Source, directory: str, options: dict[str, Any]) -> None:
        self._place = f"source-suite-{next(_numbers)}"
        self._directory = directory
        self._flow = DataFlow(
            name="source-suite",
            source=source,
            sink=TransactionalMemorySink(place=self._place),
            checkpoint=CheckpointPolicy(every=0.0),
            retry=RetryPolicy(attempts=3, backoff=0.0),
            **options,
        )

    def run(self, budget: Budget | None = None) -> RunResult:
        """Run it, or go on."""
        return self._flow.run(budget or Budget(until_caught_up=True), directory=self._directory)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is in the sink."""
        return place(self._place).rows


@contextmanager
def _flow(source: Source, **options: Any) -> Generator[_Flow]:
    with tempfile.TemporaryDirectory() as directory:
        yield _Flow(source, directory, options)


class Interrupted(SplitSource):
    """A source that fails once, behind a number of batches, in a way that may pass."""

    inner: SplitSource
    """The source that it reads."""
    after: int
    """Batches before it fails."""

    _left: list[int] = PrivateAttr(default_factory=list[int])

    def model_post_init(self, _context: Any) -> None:
        """Begin to count."""
        self._left.append(self.after)

    @property
    def boundedness(self) -> Boundedness:
        """The inner source's."""
        return self.inner.boundedness

    def create_enumerator(self, context: EnumeratorContext[Any]) -> SplitEnumerator[Any]:
        """The inner source's."""
        return self.inner.create_enumerator(context)

    def create_reader(self, context: ReaderContext) -> SourceReader[Any]:
        """The inner source's, till it fails."""
        return _InterruptedReader(self.inner.create_reader(context), self._left)

    def split_serializer(self) -> SplitSerializer[Any]:
        """The inner source's."""
        return self.inner.split_serializer()


class _InterruptedReader(SourceReader[Any]):
    def __init__(self, inner: SourceReader[Any], left: list[int]) -> None:
        self._inner = inner
        self._left = left

    def start(self) -> None:
        self._inner.start()

    def add_splits(self, splits: Assigned[Any]) -> None:
        self._inner.add_splits(splits)

    def no_more_splits(self) -> None:
        self._inner.no_more_splits()

    def snapshot(self) -> Sequence[tuple[Any, Position]]:
        return self._inner.snapshot()

    def close(self) -> None:
        self._inner.close()

    def poll(self) -> Batch | Signal:
        if self._left and not self._left[0]:
            self._left.clear()
            raise SourceUnavailableError("the connection is lost, as the suite wants it")
        item = self._inner.poll()
        if self._left and isinstance(item, Batch):
            self._left[0] -= 1
        return item


__all__ = ["FlowCases", "Interrupted"]
