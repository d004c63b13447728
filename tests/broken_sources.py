"""Sources with one fault each: small variations of the one in memory, and the cases of the suite that find them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, ConfigDict, PrivateAttr

from active_data_flow.core.batch import Batch, Position
from active_data_flow.core.errors import SourceError
from active_data_flow.source_support import END, IDLE, Signal, SplitSerializer, SplitSource
from stored_source import Part, StoredEnumerator, StoredReader, StoredSource, stores

BROKEN: dict[type[StoredSource], frozenset[str]] = {}
"""Each broken source with the cases that fail for it: all of them, and no others."""


def breaks(*cases: str) -> Callable[[type[StoredSource]], type[StoredSource]]:
    """Say which cases, without their ``test_``, find the fault of a source."""

    def remember(source: type[StoredSource]) -> type[StoredSource]:
        BROKEN[source] = frozenset(f"test_{name}" for name in cases)
        return source

    return remember


# reading


@breaks("one_split", "unicode")
class ReadsSixteenRecordsOfASplit(StoredSource):
    def parts(self) -> list[pa.Table]:
        return [part.slice(0, 16) for part in super().parts()]


@breaks("many_splits")
class BeginsTheFourthSplitTooEarly(StoredSource):
    def parts(self) -> list[pa.Table]:
        found = super().parts()
        if len(found) > 3 and found[3].num_rows:
            found = [*found[:3], pa.concat_tables([found[2].slice(found[2].num_rows - 1), found[3]]), *found[4:]]
        return found


@breaks("more_lanes_than_splits")
class LeavesReadersWaiting(StoredSource):
    class enumerator(StoredEnumerator):  # noqa: N801
        def handle_split_request(self, reader: int) -> None:
            if self._pending or reader < 3:
                super().handle_split_request(reader)


@breaks("order")
class TurnsBatchesRound(StoredSource):
    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        data = super().piece(stored, start)
        return data.take(pa.array(range(data.num_rows - 1, -1, -1)))


@breaks("each_gives_what_splits_give")
class EachEndsWithTheFirstSplit(StoredSource):
    def each(self) -> Iterator[Mapping[str, Any]]:
        yield from self.parts()[0].to_pylist()


@breaks(
    "reading_twice",
    "a_flow_goes_on_after_its_budget",
    "an_error_in_the_middle",
    "any_history_of_runs",
    "only_news_is_read",
    "restart_with_other_parallelism",
    "resume_from_each_snapshot",
)
class IsUsedUp(StoredSource):
    _read: list[str] = PrivateAttr(default_factory=list)

    class enumerator(StoredEnumerator):  # noqa: N801
        def find(self) -> Iterable[Part]:
            found = [part for part in super().find() if part.split_id not in self.source._read]
            self.source._read.extend(part.split_id for part in found)
            return found


@breaks("empty_store")
class FailsOverNothing(StoredSource):
    def parts(self) -> list[pa.Table]:
        found = super().parts()
        if not sum(part.num_rows for part in found):
            raise SourceError("there are no records")
        return found


@breaks("empty_splits")
class EndsAtAnEmptySplit(StoredSource):
    class reader(StoredReader):  # noqa: N801
        over = False

        def poll(self) -> Batch | Signal:
            item = END if self.over else super().poll()
            self.over = self.over or (isinstance(item, Batch) and item.finished and not item.position)
            return item


@breaks("ends_of_splits")
class TellsEndsTwice(StoredSource):
    class reader(StoredReader):  # noqa: N801
        last: Batch | None = None

        def poll(self) -> Batch | Signal:
            if self.last is not None:
                item, self.last = self.last, None
                return item
            item = super().poll()
            self.last = item if isinstance(item, Batch) and item.finished else None
            return item


@breaks("the_end_stays")
class WakesUpBehindTheEnd(StoredSource):
    class reader(StoredReader):  # noqa: N801
        over = False

        def poll(self) -> Batch | Signal:
            item = IDLE if self.over else super().poll()
            self.over = self.over or item is END
            return item


@breaks("polls_are_short")
class BlocksAtTheFirstPoll(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            if self.source.parts()[-1].num_rows == 20:
                time.sleep(0.6)
            yield from super().read(split, position)


@breaks("close_twice")
class ClosesOnce(StoredSource):
    class reader(StoredReader):  # noqa: N801
        closed = False

        def close(self) -> None:
            assert not self.closed, "it is closed"
            self.closed = True


@breaks("batches_say_what_was_read", "a_flow_writes_each_record")
class CountsNothing(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            for batch in super().read(split, position):
                yield Batch(batch.data, batch.split_id, batch.position, batch.finished)


# resuming


@breaks("snapshots_agree_with_batches", "resume_from_each_snapshot")
class SnapshotsForgetPositions(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def snapshot(self) -> Sequence[tuple[Part, Position]]:
            return [(split, None) for split, _ in super().snapshot()]


@breaks(
    "resume_from_each_snapshot",
    "a_flow_goes_on_after_its_budget",
    "an_error_in_the_middle",
    "any_history_of_runs",
    "only_news_is_read",
    "restart_with_other_parallelism",
    "splits_of_a_failed_reader",
)
class GoesOnOneTooEarly(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            return super().read(split, position and position - 1)


@breaks("any_history_of_runs", "a_flow_goes_on_after_its_budget")
class CountsFromTheRestart(StoredSource):
    """A position says how much its own run has read."""

    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            for batch in super().read(split, position):
                yield Batch(
                    batch.data,
                    batch.split_id,
                    batch.position - (position or 0),
                    batch.finished,
                    records_read=batch.records_read,
                )


class Renumbered(StoredSource):
    """A thousand and more is the same part under another id."""

    def parts(self) -> Any:
        return _Again(super().parts())


class _Again(list[pa.Table]):
    def __getitem__(self, number: Any) -> Any:
        return super().__getitem__(number % 1000 if isinstance(number, int) else number)


@breaks("restart_with_other_parallelism", "any_history_of_runs")
class SplitsByParallelism(Renumbered):
    class enumerator(StoredEnumerator):  # noqa: N801
        def find(self) -> Iterable[Part]:
            first = 1000 * self._context.current_parallelism()
            return [Part(part.store, first + part.number) for part in super().find()]


@breaks("splits_of_a_failed_reader")
class TakesNothingBack(StoredSource):
    class enumerator(StoredEnumerator):  # noqa: N801
        def add_splits_back(self, splits: Sequence[Part], reader: int) -> None:
            pass


@breaks("positions_and_splits_survive_json")
class PositionsAreTuples(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            for batch in super().read(split, position and position[0]):
                yield Batch(
                    batch.data,
                    batch.split_id,
                    (batch.position,),
                    batch.finished,
                    records_read=batch.records_read,
                )


@breaks("positions_and_splits_survive_json")
class SplitsLoseTheirNumber(StoredSource):
    def split_serializer(self) -> SplitSerializer[Any]:
        return SplitSerializer(asdict, lambda value: Part(value["store"], 0))


@breaks("only_news_is_read")
class BeginsAnewBehindTheEnd(Renumbered):
    class enumerator(StoredEnumerator):  # noqa: N801
        def find(self) -> Iterable[Part]:
            done = {name for name, state in self._context.restored.items() if state.finished}
            found = list(super().find())
            again = 1000 if all(part.split_id in done for part in found) else 0
            return [Part(part.store, again + part.number) for part in found]


@breaks("idle_source", "news_while_idle")
class EndsThoughItIsEndless(StoredSource):
    class enumerator(StoredEnumerator):  # noqa: N801
        endless = False


@breaks("idle_source")
class BlocksWhileIdle(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def poll(self) -> Batch | Signal:
            item = super().poll()
            if self.source.endless and item is IDLE and len(self.source.parts()) == 1:
                time.sleep(0.4)
            return item


@breaks("news_while_idle")
class NeverLooksAgain(StoredSource):
    class enumerator(StoredEnumerator):  # noqa: N801
        def discover(self) -> None:
            if not self._known:
                super().discover()


# values


class Changed(StoredSource):
    """Changes columns, and types where the schema says so."""

    def column(self, array: pa.Array) -> pa.Array:
        raise NotImplementedError

    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        data = super().piece(stored, start)
        return pa.RecordBatch.from_arrays([self.column(array) for array in data.columns], data.schema.names)


@breaks("wide_tables")
class HasRoomFor255Columns(StoredSource):
    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        return super().piece(stored.select(stored.column_names[:255]), start)


@breaks("unicode")
class WritesLatin1(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        if array.type != pa.string():
            return array
        texts = array.to_pylist()
        return pa.array([text and text.encode("latin-1", "replace").decode("latin-1") for text in texts], array.type)


@breaks("nulls_in_every_type", "nested_values")
class TypesEachBatchByItself(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        return pa.nulls(len(array)) if array.null_count == len(array) else array


@breaks("numbers_at_their_limits")
class CountsInFloats(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        if array.type != pa.int64():
            return array
        return array.cast(pa.float64(), safe=False).cast(pa.int64(), safe=False)


@breaks("days_and_times", "nulls_in_every_type")
class CutsMicroseconds(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        naive = array.type == pa.timestamp("us")
        return array.cast(pa.timestamp("s"), safe=False).cast(array.type) if naive else array


@breaks("decimals")
class CutsCents(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        exact = pa.types.is_decimal(array.type)
        return array.cast(pa.decimal128(22, 1), safe=False).cast(array.type) if exact else array


@breaks("time_zones")
class TakesLocalTimeForUtc(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        local = pa.types.is_timestamp(array.type) and array.type.tz not in (None, "UTC")
        return pc.assume_timezone(pc.local_timestamp(array), "UTC") if local else array


@breaks("bytes", "nulls_in_every_type")
class TakesBytesForText(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        if array.type != pa.binary():
            return array
        return pa.array([raw and raw.decode(errors="replace").encode() for raw in array.to_pylist()], array.type)


@breaks("nested_values", "nulls_in_every_type")
class WritesNestedValuesAsText(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        if not pa.types.is_nested(array.type):
            return array
        return pa.array([value if value is None else json.dumps(value) for value in array.to_pylist()], pa.string())


@breaks("large_records")
class CutsTexts(Changed):
    def column(self, array: pa.Array) -> pa.Array:
        return pc.utf8_slice_codeunits(array, 0, 65535) if array.type == pa.string() else array


@breaks("known_schema")
class KnowsColumnsInAnotherOrder(StoredSource):
    def arrow_schema(self) -> pa.Schema | None:
        return pa.schema(list(super().arrow_schema() or ())[::-1])


@breaks("columns_come_and_go")
class KnowsTheFirstColumnsOnly(StoredSource):
    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        known = self.parts()[0].column_names
        return super().piece(stored.select([name for name in stored.column_names if name in known]), start)


# flows


@breaks("a_flow_writes_each_record", "batches_say_what_was_read")
class CountsEachRecordTwice(StoredSource):
    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            for batch in super().read(split, position):
                yield Batch(
                    batch.data, batch.split_id, batch.position, batch.finished, records_read=2 * batch.records_read
                )


@breaks("a_flow_goes_on_after_its_budget", "resume_from_each_snapshot")
class GivesNoPositions(StoredSource):
    """A split can't be gone on with, only begun anew."""

    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            for batch in super().read(split, position):
                yield batch if batch.finished else Batch(batch.data, batch.split_id, None, records_read=batch.num_rows)


@breaks(
    "an_error_in_the_middle",
    "a_flow_goes_on_after_its_budget",
    "any_history_of_runs",
    "only_news_is_read",
    "reading_twice",
    "restart_with_other_parallelism",
    "resume_from_each_snapshot",
)
class RemembersWhereItWas(StoredSource):
    """Goes on behind what it has given out, whatever was committed."""

    _given: dict[str, int] = PrivateAttr(default_factory=dict)

    class reader(StoredReader):  # noqa: N801
        def read(self, split: Part, position: Position) -> Iterator[Batch | Signal]:
            for batch in super().read(split, self.source._given.get(split.split_id, position)):
                self.source._given[split.split_id] = batch.position
                yield batch


@breaks("drift_evolves", "drift_freezes", "drift_fails")
class MakesNumbersOfTexts(StoredSource):
    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        return _numbers(super().piece(stored, start))


@breaks("drift_evolves", "drift_freezes", "drift_discards", "drift_fails")
class LeavesOutWhatIsNoNumber(StoredSource):
    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        return _only_numbers(super().piece(stored, start))


@breaks("drift_freezes")
class ParsesWithoutRejects(StoredSource):
    only_numbers: bool = False

    def reading_as(self, schema: pa.Schema) -> SplitSource:
        return self.model_copy(update={"only_numbers": True})

    def piece(self, stored: pa.Table, start: int) -> pa.RecordBatch:
        data = super().piece(stored, start)
        return _only_numbers(data) if self.only_numbers else data


def _numbers(data: pa.RecordBatch) -> pa.RecordBatch:
    if "amount" not in data.schema.names or data.column("amount").type != pa.string():
        return data
    numbers = [int(text) if text.strip("-").isdigit() else None for text in data.column("amount").to_pylist()]
    return data.set_column(data.schema.names.index("amount"), "amount", pa.array(numbers, pa.int64()))


def _only_numbers(data: pa.RecordBatch) -> pa.RecordBatch:
    numbers = _numbers(data)
    return data if numbers is data else data.filter(numbers.column("amount").is_valid())


# configuration


@breaks("round_trip")
class ForgetsAnOption(StoredSource):
    def to_options(self) -> dict[str, Any]:
        return {name: value for name, value in super().to_options().items() if name != "poll_rows"}


@breaks("pickle")
class HoldsAConnection(StoredSource):
    def __getstate__(self) -> dict[Any, Any]:
        raise TypeError("a connection can't be pickled")


@breaks("unknown_options")
class PassesOverUnknownOptions(StoredSource):
    model_config = ConfigDict(extra="ignore")


@breaks("bad_options")
class ConvertsByForce(StoredSource):
    limit: Annotated[int, BeforeValidator(int)] = 0


@breaks("building_connects_to_nothing")
class ConnectsWhenItIsBuilt(StoredSource):
    def model_post_init(self, _context: Any) -> None:
        self.parts()


@breaks("a_lost_store")
class RaisesWhatItMeets(StoredSource):
    def parts(self) -> list[pa.Table]:
        return stores[self.name]


__all__ = ["BROKEN"]
