"""What the suite's themes share: the capabilities, and reading what a harness has stored."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa

from active_data_flow.core.batch import Batch
from active_data_flow.engine.adapter import MessageSource, as_split_source
from active_data_flow.source_support import SplitSource
from active_data_flow.testing.suites.case import Suite
from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.replay import PATIENCE, Reading, Replay
from active_data_flow.testing.suites.source.tables import rows_in, rows_of, same

CAPABILITIES = frozenset(
    {
        "bounded",
        "endless",
        "splittable",
        "resumable",
        "ordered",
        "incremental",
        "evolving",
        "typed",
        "decimal",
        "zoned",
        "binary",
        "nested",
    }
)


class SourceCases(Suite):
    """Cases of one theme.

    Attributes:
        patience: Seconds in which a bounded source has to give a batch, or to end.
        longest_poll: Seconds that a poll may take.
        examples: Histories of runs that are tried in the property test.
    """

    known: ClassVar[frozenset[str]] = CAPABILITIES
    patience: ClassVar[float] = PATIENCE
    longest_poll: ClassVar[float] = 2.0
    examples: ClassVar[int] = 25

    def source(self, harness: SourceHarness, *, poll_rows: int | None = None, endless: bool = False) -> SplitSource:
        """The harness' source as the engine reads it."""
        source = as_split_source(harness.source(poll_rows=poll_rows, endless=endless))
        if isinstance(source, MessageSource) and poll_rows is not None:
            return MessageSource(inner=source.inner, batch_size=poll_rows)
        return source

    def reading(self, source: SplitSource, states: Any = None, **options: Any) -> Reading:
        """One run over a source, to be driven by hand."""
        return Reading(source, states, patience=self.patience, **options)

    def replay(self, lanes: int = 1) -> Replay:
        """Runs over a source, with what they commit."""
        return Replay(lanes, patience=self.patience)

    def batches(self, source: SplitSource, states: Any = None, **options: Any) -> list[Batch]:
        """All batches of one run."""
        with self.reading(source, states, **options) as reading:
            return list(reading.batches())

    def keeps(self, harness: SourceHarness, *tables: pa.Table, poll_rows: int | None = None) -> list[Batch]:
        """Store tables, read them, and compare; gives the batches."""
        harness.store(*tables)
        batches = self.batches(self.source(harness, poll_rows=poll_rows))
        rejects = [reject.error for batch in batches for reject in batch.rejects]
        assert not rejects, f"{len(rejects)} records were rejected: {rejects[0]}"
        same(rows_of(tables), rows_in(batches))
        return batches


__all__ = ["CAPABILITIES", "SourceCases"]
