"""Finds splits and gives them out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Generic

from active_data_flow.source_support.contexts import EnumeratorContext
from active_data_flow.source_support.split import SplitT


class SplitEnumerator(ABC, Generic[SplitT]):
    """Discovers splits and assigns them to readers on request. Called by one thread at a time.

    The roles are those of Flink's FLIP-27.
    """

    @abstractmethod
    def start(self) -> None:
        """Look at the source; may assign already."""

    def add_reader(self, reader: int) -> None:
        """A reader is there and has asked for nothing yet."""

    @abstractmethod
    def handle_split_request(self, reader: int) -> None:
        """Answer with `assign_split` or `signal_no_more_splits`, now or, of an endless source, later."""

    @abstractmethod
    def add_splits_back(self, splits: Sequence[SplitT], reader: int) -> None:
        """A reader failed: these splits of it go to others."""

    def discover(self) -> None:
        """Look again for new splits; called now and then while an endless source runs."""

    def snapshot(self) -> Any:
        """What must be remembered besides the splits' positions: a JSON-safe value, or None."""
        return None

    def close(self) -> None:
        """Release everything."""


class PendingSplits(SplitEnumerator[SplitT]):
    """An enumerator that holds a list: override `find` and everything else is done.

    Splits that were read to their end in earlier runs are passed over, begun ones come first.
    """

    def __init__(self, context: EnumeratorContext[SplitT]) -> None:
        self._context = context
        self._pending: deque[SplitT] = deque()
        self._waiting: set[int] = set()
        self._known: set[str] = set()

    @abstractmethod
    def find(self) -> Iterable[SplitT]:
        """The splits that exist now; those given before may be given again."""

    @property
    def endless(self) -> bool:
        """Whether readers wait for splits that are found later."""
        return False

    def start(self) -> None:
        """Find the splits."""
        self.discover()

    def discover(self) -> None:
        """Find splits that are new since, and serve readers that wait."""
        for split in self.find():
            if split.split_id not in self._known:
                self._known.add(split.split_id)
                self._offer(split)
        for reader in sorted(self._waiting):
            if self._pending:
                self._waiting.discard(reader)
                self._context.assign_split(self._pending.popleft(), reader)

    def handle_split_request(self, reader: int) -> None:
        """Assign the next split, or say that there is none."""
        if self._pending:
            self._context.assign_split(self._pending.popleft(), reader)
        elif self.endless:
            self._waiting.add(reader)
        else:
            self._context.signal_no_more_splits(reader)

    def add_splits_back(self, splits: Sequence[SplitT], reader: int) -> None:
        """Put them in front of the others."""
        self._pending.extendleft(reversed(splits))

    def _offer(self, split: SplitT) -> None:
        state = self._context.restored.get(split.split_id)
        if state is None:
            self._pending.append(split)
        elif not state.finished:
            self._pending.appendleft(split)


__all__ = ["PendingSplits", "SplitEnumerator"]
