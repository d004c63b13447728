"""Reading a split source in the caller's thread: for `each`, previews and tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.clock import CLOCK
from active_data_flow.core.errors import RecordError
from active_data_flow.core.message import messages_of
from active_data_flow.source_support.contexts import AssignedSplit
from active_data_flow.source_support.reader import IDLE, SourceReader

if TYPE_CHECKING:
    from active_data_flow.source_support.source import SplitSource


class DirectContext:
    """Both contexts in one: the enumerator and the single reader are in the same thread."""

    reader = 0
    clock = CLOCK

    def __init__(self, restored: Mapping[str, SplitState] | None = None) -> None:
        self.restored: Mapping[str, SplitState] = restored or {}
        self.configuration: Mapping[str, Any] = {}
        self.metrics: dict[str, float] = {}
        self.requests = 0
        self.assigned: deque[Any] = deque()
        self.no_more = False

    def current_parallelism(self) -> int:
        """One reader."""
        return 1

    def assign_split(self, split: Any, reader: int) -> None:
        """Remember it for the reader."""
        self.assigned.append(split)

    def signal_no_more_splits(self, reader: int) -> None:
        """Remember that nothing follows."""
        self.no_more = True

    def send_split_request(self) -> None:
        """Remember that the reader wants a split."""
        self.requests += 1

    def count(self, metric: str, value: float = 1) -> None:
        """Add to a metric."""
        self.metrics[metric] = self.metrics.get(metric, 0) + value


def read_batches(source: SplitSource, restored: Mapping[str, SplitState] | None = None) -> Iterator[Batch]:
    """All batches of a source, from the start or from restored positions; stops where nothing is there (IDLE)."""
    context = DirectContext(restored)
    with closing(source.create_enumerator(context)) as enumerator, closing(source.create_reader(context)) as reader:
        enumerator.start()
        enumerator.add_reader(0)
        reader.start()
        while True:
            _deliver(context, enumerator, reader)
            item = reader.poll()
            if isinstance(item, Batch):
                yield item
            elif item is not IDLE or not (context.requests or context.assigned or context.no_more):
                return


def read_messages(source: SplitSource) -> Iterator[Mapping[str, Any]]:
    """All messages of a source; the first record that can't be used raises."""
    for batch in read_batches(source):
        for reject in batch.rejects:
            raise RecordError(reject.error, field=reject.field, split=reject.split_id, position=reject.position)
        yield from messages_of(batch)


def _deliver(context: DirectContext, enumerator: Any, reader: SourceReader[Any]) -> None:
    while context.requests:
        context.requests -= 1
        enumerator.handle_split_request(0)
    while context.assigned:
        split = context.assigned.popleft()
        state = context.restored.get(split.split_id)
        reader.add_splits([AssignedSplit(split, None if state is None else state.position)])
    if context.no_more:
        context.no_more = False
        reader.no_more_splits()


__all__ = ["DirectContext", "read_batches", "read_messages"]
