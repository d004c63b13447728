"""Which splits a run reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.ranges import bounds_of
from active_data_flow.connectors.sql.reading.relation import Relation, look_at
from active_data_flow.connectors.sql.splits import SqlSplit, encode, serializer
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import SourceChangedError
from active_data_flow.source_support.contexts import EnumeratorContext
from active_data_flow.source_support.enumerator import PendingSplits


class SqlEnumerator(PendingSplits[SqlSplit]):
    """Gives what is left of a read that was not completed, or else the splits of a new one.

    Args:
        context: Knows what earlier runs have read.
        source: The options.
    """

    def __init__(self, context: EnumeratorContext[SqlSplit], source: SqlSourceConfiguration) -> None:
        super().__init__(context)
        self._source = source
        self._splits: list[SqlSplit] | None = None

    @property
    def endless(self) -> bool:
        """Whether readers wait."""
        return self._source.follow

    def find(self) -> Iterable[SqlSplit]:
        """The splits of this run; the same each time."""
        if self._splits is None:
            address = Address.parse(self._source.url.resolve(), "source")
            with connect(address, timeout=self._source.timeout, read_only=True) as session:
                self._splits = self._plan(look_at(session, self._source))
        return self._splits

    def _offer(self, split: SqlSplit) -> None:
        # `find` gives nothing that is finished; what is begun comes first
        if split.resume(self._position(split)) == (None, None):
            self._pending.append(split)
        else:
            self._pending.appendleft(split)

    def _position(self, split: SqlSplit) -> Any:
        state = self._context.restored.get(split.split_id)
        return None if state is None else state.position

    def _plan(self, relation: Relation) -> list[SqlSplit]:
        order = tuple(column.name for column in relation.order)
        if self._source.cursor is not None:
            split = SqlSplit(self._source.name, "cursor", order)
            self._check_order([split_of(state) for state in self._states(("cursor",), order[:1])], order)
            return [split]
        parts = ("range", "nulls") if order else ("all",)
        states = self._states(parts, order[:1])
        generation = max((split_of(state).generation for state in states), default=0)
        latest = [state for state in states if split_of(state).generation == generation]
        if left := self._left(relation, latest, order):
            return left
        return self._new(relation, order, generation + 1)

    def _new(self, relation: Relation, order: tuple[str, ...], generation: int) -> list[SqlSplit]:
        if not order:
            return [SqlSplit(self._source.name, "all", (), generation)]
        bounds = bounds_of(relation, self._source, self._context.current_parallelism())
        return _ranges(relation, SqlSplit(self._source.name, "range", order, generation, 0, tuple(map(encode, bounds))))

    def _left(self, relation: Relation, latest: list[SplitState], order: tuple[str, ...]) -> list[SqlSplit]:
        """Splits of the latest read that are not finished; the commits of it may name only some of them."""
        if not latest:
            return []
        known = split_of(latest[0])
        done = {split_of(state).split_id for state in latest if state.finished}
        splits = [known] if known.part == "all" else _ranges(relation, known)
        left = [split for split in splits if split.split_id not in done]
        if left:
            self._check_order([known], order)
        return left

    def _states(self, parts: tuple[str, ...], key: tuple[str, ...]) -> list[SplitState]:
        known = [
            state
            for state in self._context.restored.values()
            if isinstance(state.split, Mapping) and "order" in state.split
        ]
        return [
            state
            for state in known
            if state.split["source"] == self._source.name
            and state.split["part"] in parts
            and tuple(state.split["order"][:1]) == key
        ]

    def _check_order(self, known: list[SqlSplit], order: tuple[str, ...]) -> None:
        for split in known:
            if split.order != order:
                before, now = ", ".join(split.order), ", ".join(order)
                message = (
                    f"{split.source} was read in the order of {before}, and is now to be read in that of {now}: "
                    "its positions don't fit; keep the order, or begin anew with --from-start"
                )
                raise SourceChangedError(message, connector="sql", split=split.split_id)


def split_of(state: SplitState) -> SqlSplit:
    """The split as it was when its state was committed."""
    return serializer.from_json(state.split)


def _ranges(relation: Relation, one: SqlSplit) -> list[SqlSplit]:
    def split(part: Any, index: int) -> SqlSplit:
        return SqlSplit(one.source, part, one.order, one.generation, index, one.bounds)

    ranges = [split("range", index) for index in range(len(one.bounds) + 1)]
    return [*ranges, split("nulls", 0)] if relation.order[0].nullable else ranges


__all__ = ["SqlEnumerator"]
