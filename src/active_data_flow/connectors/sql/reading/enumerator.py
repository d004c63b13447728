"""Which splits a run reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from active_data_flow.connectors.sql.client import Address, connect
from active_data_flow.connectors.sql.configuration import SqlSourceConfiguration
from active_data_flow.connectors.sql.reading.ranges import bounds_of
from active_data_flow.connectors.sql.reading.relation import look_at
from active_data_flow.connectors.sql.splits import SqlSplit, encode, serializer
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.errors import SourceChangedError
from active_data_flow.source_support.contexts import EnumeratorContext
from active_data_flow.source_support.enumerator import PendingSplits


@dataclass(frozen=True, slots=True)
class Order:
    """In what order rows are read.

    Attributes:
        names: Columns: the key or cursor, then what tells rows with the same one apart; none where nothing does.
        nullable: Whether the first of them may be NULL.
    """

    names: tuple[str, ...]
    nullable: bool


class RangeEnumerator(PendingSplits[SqlSplit]):
    """Gives what is left of a read that was not completed, or else the splits of a new one.

    Args:
        context: Knows what earlier runs have read.
        name: Name of what is read, as its splits have it.
        by_cursor: Whether only what is new is read.
        follow: Whether readers wait for more.
    """

    def __init__(self, context: EnumeratorContext[SqlSplit], name: str, *, by_cursor: bool, follow: bool) -> None:
        super().__init__(context)
        self._name = name
        self._by_cursor = by_cursor
        self._follow = follow
        self._splits: list[SqlSplit] | None = None

    @property
    def endless(self) -> bool:
        """Whether readers wait."""
        return self._follow

    def find(self) -> Iterable[SqlSplit]:
        """The splits of this run; the same each time."""
        if self._splits is None:
            self._splits = self.look()
        return self._splits

    @abstractmethod
    def look(self) -> list[SqlSplit]:
        """Look at the place, and `plan` with what is found."""

    def plan(self, order: Order, bounds: Callable[[], list[Any]]) -> list[SqlSplit]:
        """The splits of this run.

        Args:
            order: In what order rows are read.
            bounds: Gives the keys at which one range ends and the next begins; called for a new read only.
        """
        if self._by_cursor:
            split = SqlSplit(self._name, "cursor", order.names)
            self._check_order([split_of(state) for state in self._states(("cursor",), order)], order)
            return [split]
        parts = ("range", "nulls") if order.names else ("all",)
        states = self._states(parts, order)
        generation = max((split_of(state).generation for state in states), default=0)
        latest = [state for state in states if split_of(state).generation == generation]
        return self._left(latest, order) or self._new(order, generation + 1, bounds)

    def _offer(self, split: SqlSplit) -> None:
        # `find` gives nothing that is finished; what is begun comes first
        if split.resume(self._position(split)) == (None, None):
            self._pending.append(split)
        else:
            self._pending.appendleft(split)

    def _position(self, split: SqlSplit) -> Any:
        state = self._context.restored.get(split.split_id)
        return None if state is None else state.position

    def _new(self, order: Order, generation: int, bounds: Callable[[], list[Any]]) -> list[SqlSplit]:
        if not order.names:
            return [SqlSplit(self._name, "all", (), generation)]
        encoded = tuple(map(encode, bounds()))
        return _ranges(order, SqlSplit(self._name, "range", order.names, generation, 0, encoded))

    def _left(self, latest: list[SplitState], order: Order) -> list[SqlSplit]:
        """Splits of the latest read that are not finished; the commits of it may name only some of them."""
        if not latest:
            return []
        known = split_of(latest[0])
        done = {split_of(state).split_id for state in latest if state.finished}
        splits = [known] if known.part == "all" else _ranges(order, known)
        left = [split for split in splits if split.split_id not in done]
        if left:
            self._check_order([known], order)
        return left

    def _states(self, parts: tuple[str, ...], order: Order) -> list[SplitState]:
        known = [
            state
            for state in self._context.restored.values()
            if isinstance(state.split, Mapping) and "order" in state.split
        ]
        return [
            state
            for state in known
            if state.split["source"] == self._name
            and state.split["part"] in parts
            and tuple(state.split["order"][:1]) == order.names[:1]
        ]

    def _check_order(self, known: list[SqlSplit], order: Order) -> None:
        for split in known:
            if split.order != order.names:
                before, now = ", ".join(split.order), ", ".join(order.names)
                message = (
                    f"{split.source} was read in the order of {before}, and is now to be read in that of {now}: "
                    "its positions don't fit; keep the order, or begin anew with --from-start"
                )
                raise SourceChangedError(message, connector="sql", split=split.split_id)


class SqlEnumerator(RangeEnumerator):
    """Looks at a table or query.

    Args:
        context: Knows what earlier runs have read.
        source: The options.
    """

    def __init__(self, context: EnumeratorContext[SqlSplit], source: SqlSourceConfiguration) -> None:
        super().__init__(context, source.name, by_cursor=source.cursor is not None, follow=source.follow)
        self._source = source

    def look(self) -> list[SqlSplit]:
        """Connect, and see what there is."""
        address = Address.parse(self._source.url.resolve(), "source")
        with connect(address, timeout=self._source.timeout, read_only=True) as session:
            relation = look_at(session, self._source)
            names = tuple(column.name for column in relation.order)
            order = Order(names, nullable=bool(names) and relation.order[0].nullable)
            return self.plan(order, lambda: bounds_of(relation, self._source, self._context.current_parallelism()))


def split_of(state: SplitState) -> SqlSplit:
    """The split as it was when its state was committed."""
    return serializer.from_json(state.split)


def _ranges(order: Order, one: SqlSplit) -> list[SqlSplit]:
    def split(part: Any, index: int) -> SqlSplit:
        return SqlSplit(one.source, part, one.order, one.generation, index, one.bounds)

    ranges = [split("range", index) for index in range(len(one.bounds) + 1)]
    return [*ranges, split("nulls", 0)] if order.nullable else ranges


__all__ = ["Order", "RangeEnumerator", "SqlEnumerator"]
