"""Cases: everything that is stored is read once, in splits, and the source ends."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from active_data_flow.source_support import END
from active_data_flow.testing.suites.case import case
from active_data_flow.testing.suites.source.cases import SourceCases
from active_data_flow.testing.suites.source.harness import SourceHarness
from active_data_flow.testing.suites.source.tables import numbered, parts, rows_in, rows_of, same


class ReadingCases(SourceCases):
    """One run over a store."""

    @case(
        purpose="Records are lost or doubled by plain reading.",
        way="Store 20 records as one part; read them with one reader.",
        passes="Each record comes once, as it was stored.",
        requirement="A source gives all that is stored, once.",
    )
    def test_one_split(self, harness: SourceHarness) -> None:
        self.keeps(harness, numbered(20))

    @case(
        purpose="Splits overlap or leave something out between them.",
        way="Store 23 records in four parts of different sizes; read them with two readers.",
        passes="Each record comes once, in at least two splits.",
        requirement="Splits have ids that are unique in the source, and together hold everything once.",
        needs=["splittable"],
    )
    def test_many_splits(self, harness: SourceHarness) -> None:
        stored = parts(5, 9, 2, 7)
        harness.store(*stored)
        with self.reading(self.source(harness, poll_rows=3), lanes=2) as reading:
            same(rows_of(stored), rows_in(reading.batches()))
            assert len(reading.splits) > 1, "four parts were read as one split; is the source splittable?"

    @case(
        purpose="A run hangs, or ends too early, where it has more lanes than there is work.",
        way="Store two parts; read them with five readers.",
        passes="Each record comes once, and every reader ends.",
        requirement="A reader that asks when no split is left is told that there is none.",
        needs=["bounded"],
    )
    def test_more_lanes_than_splits(self, harness: SourceHarness) -> None:
        stored = parts(4, 3)
        harness.store(*stored)
        same(rows_of(stored), rows_in(self.batches(self.source(harness, poll_rows=2), lanes=5)))

    @case(
        purpose="A sink that keeps the last of several changes keeps an old one.",
        way="Store two parts of records in the order of their ids; read them in small batches.",
        passes="The ids of each split grow.",
        requirement="A split's records come in the order in which they are stored.",
        needs=["ordered"],
    )
    def test_order(self, harness: SourceHarness) -> None:
        harness.store(*parts(11, 6))
        ids: dict[str, list[int]] = {}
        for batch in self.batches(self.source(harness, poll_rows=3)):
            ids.setdefault(batch.split_id, []).extend(batch.data.column("id").to_pylist() if batch.num_rows else [])
        for split, found in ids.items():
            assert found == sorted(found), f"split {split} gives the ids {found}"

    @case(
        purpose="A preview, or a loop over `each`, shows something else than a run reads.",
        way="Read the same store by `each` and in splits.",
        passes="Both give the same records.",
        requirement="`each` gives all messages from the start.",
    )
    def test_each_gives_what_splits_give(self, harness: SourceHarness) -> None:
        stored = parts(6, 5)
        harness.store(*stored)
        same(rows_of(stored), [dict(message) for message in harness.source(poll_rows=4).each()])

    @case(
        purpose="The second of two runs finds a source used up.",
        way="Read twice from the start, with the same source.",
        passes="Each record comes once each time.",
        requirement="A source is configuration only: what a run changes is in its enumerator and readers.",
    )
    def test_reading_twice(self, harness: SourceHarness) -> None:
        stored = numbered(8)
        harness.store(stored)
        source = self.source(harness, poll_rows=3)
        for _ in range(2):
            same(stored.to_pylist(), rows_in(self.batches(source)))

    @case(
        purpose="A run over nothing fails, or never ends.",
        way="Store a part without records; read it.",
        passes="No record comes, and the source ends.",
        requirement="A store without records is read like any other.",
    )
    def test_empty_store(self, harness: SourceHarness) -> None:
        self.keeps(harness, numbered(0))

    @case(
        purpose="A split without records ends the run, or is taken for the end of everything.",
        way="Store parts of which the first, one in the middle and the last hold nothing.",
        passes="Each record comes once.",
        requirement="A split may have no records.",
        needs=["splittable"],
    )
    def test_empty_splits(self, harness: SourceHarness) -> None:
        self.keeps(harness, *parts(0, 4, 0, 0, 3, 0), poll_rows=2)

    @case(
        purpose="A finished split is read again by the next run, or its end is never committed.",
        way="Read two parts to the end; look at the batches of each split.",
        passes="The last batch of each split, and no other, says finished.",
        requirement="The last batch of a split has finished=True, so that the end is committed too.",
        needs=["bounded"],
    )
    def test_ends_of_splits(self, harness: SourceHarness) -> None:
        harness.store(*parts(5, 4))
        ends: dict[str, list[bool]] = {}
        for batch in self.batches(self.source(harness, poll_rows=2)):
            ends.setdefault(batch.split_id, []).append(batch.finished)
        assert ends, "not one batch came, and so no end of a split"
        for split, finished in ends.items():
            assert finished.index(True) == len(finished) - 1 if True in finished else False, (
                f"of the {len(finished)} batches of split {split}, these say finished: "
                f"{[number for number, end in enumerate(finished, 1) if end]}"
            )

    @case(
        purpose="A lane goes on for ever, or stops a run that others still work for.",
        way="Poll a reader on after its END.",
        passes="It answers END each time.",
        requirement="END means that there will be nothing any more.",
        needs=["bounded"],
    )
    def test_the_end_stays(self, harness: SourceHarness) -> None:
        harness.store(numbered(3))
        with self.reading(self.source(harness)) as reading:
            list(reading.batches())
            answers = [reading.poll(0) for _ in range(3)]
        assert answers == [END, END, END], f"behind END, polls answer {answers}"

    @case(
        purpose="A run can't be stopped, and commits nothing, while a reader waits.",
        way="Measure each poll while a store is read.",
        passes="None takes longer than `longest_poll`.",
        requirement="`poll` never blocks for long.",
    )
    def test_polls_are_short(self, harness: SourceHarness) -> None:
        harness.store(*parts(20, 20))
        with self.reading(self.source(harness, poll_rows=5)) as reading:
            list(reading.batches())
        taken = reading.longest_poll
        assert taken <= self.longest_poll, f"a poll took {taken:.2f} s, and may take {self.longest_poll} s"

    @case(
        purpose="A failed run hides its cause behind an error of closing, or closes what another has opened.",
        way="Close reader and enumerator twice: unused, in the middle of a split, and at the end.",
        passes="Nothing is raised.",
        requirement="`close` releases everything, and may be called twice.",
    )
    def test_close_twice(self, harness: SourceHarness) -> None:
        harness.store(*parts(4, 4))
        source = self.source(harness, poll_rows=1)
        unused = self.reading(source)
        unused.close()
        unused.close()
        for stop_after in (1, None):
            with self.reading(source) as reading:
                for number, _ in enumerate(reading.batches(), 1):
                    if number == stop_after:
                        break
                reading.close()

    @case(
        purpose="Counts, progress and limits of rejects are wrong.",
        way="Read two parts; add up what the batches say of themselves.",
        passes="`records_read` is the number of records, and each batch names a split that was assigned.",
        requirement="A batch says how many records were read to make it, and of which split.",
    )
    def test_batches_say_what_was_read(self, harness: SourceHarness) -> None:
        harness.store(*parts(7, 6))
        with self.reading(self.source(harness, poll_rows=3)) as reading:
            batches = list(reading.batches())
        read = sum(batch.records_read for batch in batches)
        assert read == 13, f"13 records are stored, and the batches count {read}"
        strangers = Counter(batch.split_id for batch in batches) - Counter(dict.fromkeys(reading.splits, len(batches)))
        assert not strangers, f"batches name splits that were never assigned: {', '.join(strangers)}"
        assert all(isinstance(batch.data, pa.RecordBatch) for batch in batches), "a batch's data is a RecordBatch"


__all__ = ["ReadingCases"]
