"""The sink's suite: a correct sink passes, and for each case there is a broken one that it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from hypothesis import Phase, settings

from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import Checkpoint
from active_data_flow.core.errors import SinkError
from active_data_flow.core.policies import Drift, SchemaContract
from active_data_flow.testing import (
    MemorySink,
    SinkHarness,
    SinkSuite,
    TransactionalMemorySink,
    TwoPhaseMemorySink,
    place,
    read_as,
)
from unit.testing.reference_sink import (
    Core,
    IdempotentReference,
    Memory,
    Preparing,
    Publishing,
    ReferenceSink,
    Transaction,
    TwoPhaseReference,
    Upserting,
    table,
)

COLUMNS = {"nested", "creates table", "fixed columns", "fixed types", "evolves schema", "widens types", "rejects rows"}
ALWAYS = frozenset({"many writers", "secrets", *COLUMNS})
EXACT = frozenset({"exactly-once", "isolated", "takeover"})


class Transactional(SinkSuite):
    capabilities: ClassVar = ALWAYS | EXACT | {"transactional", "append"}
    kind: ClassVar[type[ReferenceSink]] = ReferenceSink
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def harness(self, monkeypatch: pytest.MonkeyPatch) -> SinkHarness:
        monkeypatch.setenv("REFERENCE_TOKEN", "")
        return Memory(self.kind, **self.options)


class TwoPhase(Transactional):
    capabilities: ClassVar = ALWAYS | EXACT | {"two-phase", "append"}
    kind: ClassVar = TwoPhaseReference


class Upsert(Transactional):
    capabilities: ClassVar = Transactional.capabilities | {"upsert"}
    options: ClassVar = {"mode": "upsert"}


class Replace(Transactional):
    capabilities: ClassVar = Transactional.capabilities - {"append"} | {"replace"}
    options: ClassVar = {"mode": "replace"}


class Idempotent(Transactional):
    capabilities: ClassVar = ALWAYS | {"idempotent", "append", "upsert"}
    kind: ClassVar = IdempotentReference


class TestTransactional(Transactional): ...


class TestTwoPhase(TwoPhase): ...


class TestUpsert(Upsert): ...


class TestReplace(Replace): ...


class TestIdempotent(Idempotent): ...


class Places(SinkHarness):
    """The sinks in memory that tests of flows use."""

    def __init__(self, kind: Any, name: str) -> None:
        self.kind, self.name, self.count = kind, name, 0

    def sink(self, schema: pa.Schema) -> Any:
        self.count += 1
        return self.kind(place=f"{self.name}-{self.count}")

    def rows(self, sink: Any, schema: pa.Schema) -> Any:
        return read_as(place(sink.place).rows, schema)

    def leftovers(self, sink: Any) -> Any:
        return list(place(sink.place).prepared)


FREE = frozenset({"append", "nested", "evolves schema", "widens types"})


class TestMemorySink(SinkSuite):
    """A simple sink, that overrides `write` only."""

    capabilities: ClassVar = FREE
    kind: ClassVar[Any] = MemorySink

    @pytest.fixture
    def harness(self, request: pytest.FixtureRequest) -> SinkHarness:
        return Places(self.kind, request.node.nodeid)


class TestTransactionalMemorySink(TestMemorySink):
    capabilities: ClassVar = FREE | EXACT | {"many writers", "transactional"}
    kind: ClassVar = TransactionalMemorySink


class TestTwoPhaseMemorySink(TestMemorySink):
    capabilities: ClassVar = FREE | EXACT | {"many writers", "two-phase"}
    kind: ClassVar = TwoPhaseMemorySink


BROKEN: dict[str, tuple[type[Transactional], type[ReferenceSink]]] = {}
"""Name of a case -> the suite that it is looked for in, and a sink that it finds."""


def broken(case: str, suite: type[Transactional] = Transactional, **parts: Any) -> None:
    """A sink with one fault: some methods of its writer, of its committer (`committer_…`) or its own (`sink_…`)."""
    own: dict[str, Any] = {name[5:]: parts.pop(name) for name in list(parts) if name.startswith("sink_")}
    committing = {name[10:]: parts.pop(name) for name in list(parts) if name.startswith("committer_")}
    if parts:
        own["writer"] = type("BrokenWriter", (suite.kind.writer,), parts)
    if committing:
        own["committing"] = type("BrokenCommitter", (Publishing,), committing)
    own |= {"__module__": __name__, "__annotations__": own.get("__annotations__", {})}
    BROKEN[case] = suite, type(suite.kind)("BrokenSink", (suite.kind,), own)


def changes(case: str, change: Callable[[Any], Any], *, name: str | None = None) -> None:
    """A sink that changes values, of one column or of all."""

    def taken(self: Core, rows: Any) -> Any:
        return [{key: change(value) if name in {None, key} else value for key, value in row.items()} for row in rows]

    broken(case, taken=taken)


def obeys(case: str, level: str, wanted: Drift, done: Drift) -> None:
    """A sink that mistakes one contract for another."""

    def init(self: Core, where: Any, context: Any, mode: str) -> None:
        Core.__init__(self, where, context, mode)
        if getattr(context.contract, level) is wanted:
            self.contract = SchemaContract(**{**context.contract.to_options(), level: done})

    broken(case, __init__=init)


# rows and values


def _refuse_empty(self: Core, batch: Batch) -> None:
    if not batch.num_rows:
        raise SinkError("an empty batch")
    Core.write(self, batch)


def _write_some(self: Core, batch: Batch) -> None:
    Core.write(self, batch)
    self.rows = self.rows[-20:]


def _write_by_position(self: Core, batch: Batch) -> None:
    names = batch.data.schema.names if self.where.schema is None else self.where.schema.names
    Core.write(self, batch.with_data(pa.record_batch(batch.data.columns, names[: batch.data.num_columns])))


def _commit_something(self: Transaction, checkpoint: Checkpoint) -> None:
    self.rows = self.rows or ([] if self.where.rows else [{"id": 0, "text": "header"}])
    Transaction.commit(self, checkpoint)


def _repeat_the_last(self: Core, data: pa.RecordBatch, item: pa.Field) -> pa.Array:
    last = self.rows[-1][item.name] if self.rows and item.name not in data.schema.names else None
    return Core.column(self, data, item) if last is None else pa.array([last] * data.num_rows)


broken("test_rows_come_back", taken=lambda self, rows: rows[:-1])
broken("test_empty_batches", write=_refuse_empty)
broken("test_nothing_at_all", commit=_commit_something)
broken("test_many_batches", write=_write_some)
broken("test_columns_in_another_order", write=_write_by_position)
broken("test_a_missing_column", column=_repeat_the_last)
broken("test_wide", taken=lambda self, rows: [dict(list(row.items())[:100]) for row in rows])
broken("test_single_messages", sink_write=lambda self, message: None)
changes("test_plain_values", lambda value: min(value, 2**31 - 1) if isinstance(value, int) else value)
changes("test_nulls", lambda value: value or "", name="word")
changes("test_unicode", lambda value: value.encode("latin-1", "replace").decode("latin-1"), name="text")
changes("test_decimals", lambda value: Decimal(str(float(value))) if isinstance(value, Decimal) else value)
changes("test_moments", lambda value: value and value.replace(tzinfo=None), name="oslo")
changes("test_nested", lambda value: value and [item for item in value if item], name="numbers")
changes("test_large_records", lambda value: value[:65535] if isinstance(value, str) else value)

# schemas and rejects


def _drop_silently(self: Core, batch: Batch) -> Batch:
    return replace(batch, rejects=())


obeys("test_no_new_place", "table", Drift.FREEZE, Drift.EVOLVE)
broken("test_the_schema_is_told", sink_arrow_schema=lambda self: None)
obeys("test_new_column_evolve", "column", Drift.EVOLVE, Drift.DISCARD)
obeys("test_new_column_freeze", "column", Drift.FREEZE, Drift.DISCARD)
obeys("test_new_column_discard", "column", Drift.DISCARD, Drift.FREEZE)
obeys("test_new_column_fail", "column", Drift.FAIL, Drift.FREEZE)
obeys("test_other_type_evolve", "type", Drift.EVOLVE, Drift.FREEZE)
obeys("test_other_type_freeze", "type", Drift.FREEZE, Drift.DISCARD)
obeys("test_other_type_discard", "type", Drift.DISCARD, Drift.FREEZE)
obeys("test_other_type_fail", "type", Drift.FAIL, Drift.DISCARD)
broken("test_refused_rows", rejected=_drop_silently)

# commits


def _close_once(self: Core) -> None:
    if self.mode == "closed":
        raise SinkError("closed already")
    self.mode = "closed"
    Core.close(self)


def _keep_on_close(self: Core) -> None:
    self.where.add(self.rows, self.mode)
    Core.close(self)


def _show_at_once(self: Core) -> None:
    self.where.add(self.rows, self.mode)
    self.rows = []


def _save_every_second(self: Transaction, checkpoint: Checkpoint) -> None:
    self.saves = getattr(self, "saves", 0) + 1
    if self.saves % 2:
        Transaction.save(self, checkpoint)


def _save_short_names(self: Transaction, checkpoint: Checkpoint) -> None:
    splits = {name[:255]: state for name, state in checkpoint.splits.items()}
    Transaction.save(self, replace(checkpoint, splits=splits))


def _save_over_others(self: Transaction, checkpoint: Checkpoint) -> None:
    self.where.splits[self.context.flow] = dict(checkpoint.splits)


def _fence_only_on_write(self: Transaction, batch: Batch) -> None:
    if not self.rows:
        Transaction.check_fence(self, Checkpoint(self.epoch))
    Core.write(self, batch)


def _restore_late(self: Transaction) -> Checkpoint:
    found = Transaction.restore(self)
    assert found is not None
    ahead = {name: replace(state, position=state.position + 1) for name, state in found.splits.items()}
    return replace(found, splits=ahead)


broken("test_close_twice", close=_close_once)
broken("test_rollback", close=_keep_on_close)
broken("test_nothing_visible_before_the_commit", flush=_show_at_once)
broken("test_any_kills", save=_save_every_second)
broken("test_positions_come_back", save=_save_short_names)
broken("test_positions_of_flows", sink_reset=lambda self, flow: table(self.place).splits.clear())
broken("test_a_zombie_is_refused", check_fence=lambda self, checkpoint: None)
broken("test_a_zombie_at_work_is_refused", write=_fence_only_on_write, check_fence=lambda self, checkpoint: None)
broken("test_many_writers", save=_save_over_others)
broken("test_error_in_the_nth_batch", restore=lambda self: Checkpoint(Transaction.restore(self).epoch))
broken("test_goes_on_after_an_error", restore=_restore_late)

# two-phase


def _prepare_visibly(self: Preparing) -> Any:
    self.where.add(self.rows, self.mode)
    self.rows = []
    return Preparing.prepare(self)


def _prepare_tuples(self: Preparing) -> Any:
    return [item | {"columns": ("id", "text")} for item in Preparing.prepare(self)]


def _remember_while_it_lives(self: Publishing, committables: Any) -> None:
    self.seen = getattr(self, "seen", set())
    for item in committables:
        if item["id"] not in self.seen:
            self.where.add(self.where.prepared[item["id"]], "append")
            self.seen.add(item["id"])


def _commit_again(self: Publishing, committables: Any) -> None:
    for item in committables:
        self.where.add(self.where.prepared[item["id"]], "append")


broken("test_an_undecided_prepare_leaves_nothing", TwoPhase, prepare=_prepare_visibly)
broken("test_a_decision_is_carried_out", TwoPhase, committer_commit=_remember_while_it_lives)
broken("test_committables_survive_json", TwoPhase, prepare=_prepare_tuples)
broken("test_a_commit_may_come_again", TwoPhase, committer_commit=_commit_again)

# modes


def _append(self: Upserting) -> None:
    self.where.add(self.rows, "append")
    self.rows = []


def _first_wins(self: Transaction, checkpoint: Checkpoint) -> None:
    there = {row["id"] for row in self.where.rows}
    self.rows = [row for row in self.rows if row["id"] not in there]
    Transaction.commit(self, checkpoint)


def _replace_at_once(self: Transaction) -> None:
    if self.rows:
        self.where.rows = []


def _go_on(self: Transaction) -> Checkpoint:
    filling = self.where.filling
    found = Transaction.restore(self)
    self.where.filling = filling or list(self.where.rows)
    assert found is not None
    return found


broken("test_writing_again_changes_nothing", Idempotent, flush=_append)
broken("test_the_last_row_of_a_key_wins", Upsert, commit=_first_wins)
broken("test_a_replacement_is_whole", Replace, flush=_replace_at_once)
broken("test_a_killed_replacement_changes_nothing", Replace, restore=_go_on)

# configuration

broken("test_round_trip", sink_to_options=lambda self: {"place": "another"})
broken("test_bad_options_are_named", sink_model_config={**ReferenceSink.model_config, "extra": "ignore"})
broken("test_promises_agree", sink_max_writers=property(lambda self: 1))
broken("test_looking_changes_nothing", sink_check=lambda self: table(self.place).add([{"id": 0}], "append") or [])
broken("test_passwords_are_not_shown", sink_describe=lambda self: f"with {self.token.resolve() if self.token else ''}")


@pytest.fixture
def _without_shrinking() -> Iterator[None]:
    """What is found is known; it need not be made small."""
    before = settings.get_current_profile_name()
    settings.register_profile("finding", settings.get_profile(before), phases=[Phase.generate])
    settings.load_profile("finding")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("_without_shrinking")
@pytest.mark.parametrize("case", BROKEN)
def test_each_case_finds_a_broken_sink(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFERENCE_TOKEN", "")
    suite, kind = BROKEN[case]
    if case != "test_rows_come_back":  # the fault is a small one
        suite().test_rows_come_back(Memory(kind, **suite.options))
    with pytest.raises((Exception, pytest.fail.Exception)):
        getattr(suite(), case)(Memory(kind, **suite.options))


def test_each_case_has_its_broken_sink() -> None:
    cases = {name for suite in (Transactional, TwoPhase, Upsert, Replace, Idempotent) for name in suite.cases()}
    assert set(BROKEN) == cases
