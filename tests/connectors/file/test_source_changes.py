"""Running again: new files, files that grew, were rewritten, or are gone; and following them."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pytest

from active_data_flow.connectors.file import FileSource, FileSplit
from active_data_flow.connectors.file.client import FileInfo, LocalFiles
from active_data_flow.connectors.file.splits import SERIALIZER, Plan
from active_data_flow.core.batch import Batch
from active_data_flow.core.checkpoint import SplitState
from active_data_flow.core.data_flow import DataFlow
from active_data_flow.core.errors import SourceChangedError, SourceError
from active_data_flow.core.events import Event, Events, SplitAssigned
from active_data_flow.core.run import Budget
from active_data_flow.engine import discovery
from active_data_flow.runtimes.local import LocalRuntime
from active_data_flow.source_support import IDLE, Boundedness
from active_data_flow.source_support.direct import DirectContext, _deliver, read_batches
from active_data_flow.testing import MemorySink
from file_reading import read, rows_of, write


def numbers(batches: list[Batch]) -> list[int]:
    return [row["a"] for batch in batches for row in batch.data.to_pylist()]


def append(path: str, text: str) -> None:
    with Path(path).open("a") as file:
        file.write(text)
    later(path)


def rewrite(path: str, text: str) -> None:
    Path(path).write_text(text)
    later(path)


def later(path: str) -> None:
    """Give the file another time, however coarse the clock of the file system is."""
    status = Path(path).stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_only_new_files_are_read_again(tmp_path) -> None:
    write(tmp_path, "1.csv", "a\n1\n")
    source, states = FileSource(path=str(tmp_path / "*.csv")), {}
    assert numbers(read(source, states)) == [1]
    assert read(source, states) == []
    write(tmp_path, "2.csv", "a\n2\n")
    later(str(tmp_path / "1.csv"))
    assert numbers(read(source, states)) == [2]


@pytest.mark.parametrize(
    ("name", "first", "more"),
    [
        ("t.csv", "a\n1\n2\n", "3\n4\n"),
        ("t.csv", "a\n1\n2", "\n3\n4\n"),
        ("t.csv", "a\n", "3\n4\n"),
        ("t.jsonl", '{"a":1}\n{"a":2}\n', '{"a":3}\n{"a":4}\n'),
    ],
)
def test_a_file_that_grew_goes_on_at_its_end(tmp_path, name, first, more) -> None:
    path = write(tmp_path, name, first)
    source, states = FileSource(path=path, schema={"a": "int64"}), {}
    before = numbers(read(source, states))
    append(path, more)
    assert before + numbers(read(source, states)) in ([1, 2, 3, 4], [3, 4])
    assert len(states) == 1
    assert read(source, states) == []


def test_an_array_that_grew_goes_on_behind_its_last_element(tmp_path) -> None:
    path = write(tmp_path, "t.json", '[{"a":1},\n{"a":2}\n]\n')
    source, states = FileSource(path=path), {}
    assert numbers(read(source, states)) == [1, 2]
    rewrite(path, '[{"a":1},\n{"a":2},\n{"a":3}\n]\n')
    assert numbers(read(source, states)) == [3]


def test_inferred_types_stay_when_a_file_grows(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "a,b\n1,x\n")
    source, states = FileSource(path=path), {}
    read(source, states)
    append(path, "2,5\nz,6\n")
    batches = read(source, states)
    assert [row for batch in batches for row in batch.data.to_pylist()] == [{"a": 2, "b": "5"}]
    assert "line 4, byte 12: field a: 'z' is no int64" in batches[0].rejects[0].error


@pytest.mark.parametrize("text", ["a\n9\n2\n", "a\n1\n", "a\n9\n2\n3\n4\n5\n"])
@pytest.mark.parametrize("unfinished", [False, True])
def test_a_rewritten_file_is_refused_or_read_anew(tmp_path, text, unfinished) -> None:
    path = write(tmp_path, "t.csv", "a\n1\n2\n")
    states: dict[str, SplitState] = {}
    read(FileSource(path=path, block_size=1), states, limit=2 if unfinished else None)
    rewrite(path, text)
    with pytest.raises(
        SourceChangedError, match=r"t.csv: the file was rewritten since it was read: .*on_change: reread.*--from-start"
    ):
        read(FileSource(path=path), states)
    again = FileSource(path=path, on_change="reread")
    assert numbers(read(again, states)) == [int(line) for line in text.split()[1:]]
    assert sorted(states) == [path, f"{path}@2"]
    assert read(again, states) == []
    append(path, "7\n")
    assert numbers(read(again, states)) == [7]


def test_a_last_record_that_was_not_complete_is_noticed(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "a\n1\n2")
    states: dict[str, SplitState] = {}
    assert numbers(read(FileSource(path=path), states)) == [1, 2]
    append(path, "2\n")
    with pytest.raises(SourceChangedError, match=r"that record was not complete.*unterminated: leave"):
        read(FileSource(path=path), states)


def test_a_last_record_without_line_break_can_be_left(tmp_path) -> None:
    path = write(tmp_path, "t.csv", "a\n1\n2")
    source, states = FileSource(path=path, unterminated="leave"), {}
    assert numbers(read(source, states)) == [1]
    assert read(source, states) == []
    append(path, "2\n3\n")
    assert numbers(read(source, states)) == [22, 3]


def test_a_begun_file_that_is_gone_is_an_error(tmp_path) -> None:
    write(tmp_path, "2.csv", "a\n2\n")
    path = write(tmp_path, "1.csv", "a\n1\n2\n")
    source, states = FileSource(path=str(tmp_path), block_size=1), {}
    read(source, states, limit=1)
    Path(path).unlink()
    with pytest.raises(SourceChangedError, match=r"1\.csv: the file is gone, and was not read to its end"):
        read(source, states)


@pytest.mark.parametrize(("text", "gone"), [("a\n1\n2\n", True), ("a\n1\n2\n3", False)])
def test_a_followed_file_may_go_when_it_was_read_to_its_end(tmp_path, text, gone) -> None:
    path = write(tmp_path, "1.csv", text)
    source, states = FileSource(path=str(tmp_path), follow=True), {}
    assert numbers(read(source, states, limit=1)) == [1, 2]
    assert not states[path].finished
    Path(path).unlink()
    write(tmp_path, "2.csv", "a\n4\n")
    if gone:
        assert numbers(read(source, states, limit=1)) == [4]
    else:
        with pytest.raises(SourceChangedError, match=r"1\.csv: the file is gone, and was not read to its end"):
            read(source, states, limit=1)


@pytest.mark.parametrize(("was_read", "found"), [(True, [2]), (False, [1, 2])])
def test_a_followed_file_may_go_before_it_was_begun_and_after_it_was_read(tmp_path, was_read, found) -> None:
    path = write(tmp_path, "1.csv", "a\n1\n")
    source, states = FileSource(path=str(tmp_path), follow=True, poll_interval=0.0), {}
    if was_read:
        read(source, states, limit=1)
    context = DirectContext(states)
    enumerator, reader = source.create_enumerator(context), source.create_reader(context)
    enumerator.start()
    assert reader.poll() is IDLE
    _deliver(context, enumerator, reader)
    Path(path).unlink()
    assert reader.poll() is IDLE
    write(tmp_path, "1.csv", "a\n1\n2\n")
    polled = [reader.poll() for _ in range(4)]
    assert numbers([item for item in polled if isinstance(item, Batch)]) == found
    reader.close()


def test_a_file_that_goes_while_files_are_listed_is_not_there(tmp_path, monkeypatch) -> None:
    paths = [write(tmp_path, f"{number}.csv", f"a\n{number}\n") for number in range(3)]
    source, states = FileSource(path=str(tmp_path), follow=True), {}
    read(source, states, limit=3)
    append(paths[1], "7\n")
    opened = LocalFiles.open

    def deleting(client: LocalFiles, path: str, offset: int = 0) -> BinaryIO:
        Path(paths[1]).unlink(missing_ok=True)
        return opened(client, path, offset)

    monkeypatch.setattr(LocalFiles, "open", deleting)
    context = DirectContext(states)
    enumerator = source.create_enumerator(context)
    enumerator.start()
    for _ in paths:
        enumerator.handle_split_request(0)
    assert sorted(split.path for split in context.assigned) == [paths[0], paths[2]]


def test_a_large_file_that_was_divided_grows_at_its_last_split(tmp_path) -> None:
    path = write(tmp_path, "t.jsonl", "".join(f'{{"a":{n}}}\n' for n in range(100)))
    source, states = FileSource(path=path, split_size=200, block_size=50), {}
    found = numbers(read(source, states, parallelism=2, limit=9))
    append(path, "".join(f'{{"a":{n}}}\n' for n in range(100, 150)))
    found += numbers(read(source, states, parallelism=1))
    assert sorted(found) == list(range(150))
    assert read(source, states, parallelism=3) == []


def test_nothing_to_read_is_an_error_unless_allowed(tmp_path) -> None:
    for path, message in (
        (tmp_path / "x.csv", "there is no such file"),
        (tmp_path / "*.csv", "no file matches"),
        (tmp_path, "no file matches"),
    ):
        with pytest.raises(SourceError, match=message):
            rows_of(FileSource(path=str(path)))
        assert rows_of(FileSource(path=str(path), allow_empty=True)) == []


def test_directories_are_read_to_the_bottom_without_hidden_files(tmp_path) -> None:
    for name in ("b/c/2.csv", "b/1.csv", "b/.hidden.csv", "b/_tmp/3.csv"):
        write(tmp_path, name, f"a\n{name[-5]}\n" if name[-5].isdigit() else "a\n9\n")
    assert sorted(row["a"] for row in rows_of(FileSource(path=str(tmp_path)))) == [1, 2]
    assert len(rows_of(FileSource(path=[str(tmp_path / "**" / "*.csv"), str(tmp_path / "b")]))) == 3
    found = FileSource(path=str(tmp_path)).check()
    assert found[0].endswith("2 files, 8 bytes")


def test_an_unknown_ending_is_named(tmp_path) -> None:
    path = write(tmp_path, "t.dat", "a\n1\n")
    with pytest.raises(SourceError, match=r"t\.dat: the ending of the name does not tell the format"):
        rows_of(FileSource(path=path))
    assert rows_of(FileSource(path=path, format="csv")) == [{"a": 1}]


def test_an_unreadable_file_is_named(tmp_path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = write(tmp_path, "t.csv", "a\n1\n")
    Path(path).chmod(0)
    with pytest.raises(SourceError, match="may not be read by this user"):
        rows_of(FileSource(path=path))


def test_following_sees_growth_and_new_files(tmp_path) -> None:
    path = write(tmp_path, "1.csv", "a\n1\n2")
    source = FileSource(path=str(tmp_path / "*.csv"), follow=True, poll_interval=0.01)
    assert source.boundedness is Boundedness.ENDLESS
    context = DirectContext()
    enumerator, reader = source.create_enumerator(context), source.create_reader(context)
    enumerator.start()
    reader.start()

    def wait_for(count: int) -> list[int]:
        found: list[int] = []
        until = time.monotonic() + 20
        while len(found) < count and time.monotonic() < until:
            enumerator.discover()
            _deliver(context, enumerator, reader)
            item = reader.poll()
            found += numbers([item]) if isinstance(item, Batch) else []
        return found

    assert wait_for(1) == [1]
    append(path, "2\n")
    write(tmp_path, "2.csv", "a\n3\n")
    assert sorted(wait_for(2)) == [3, 22]
    assert {split.path: position["offset"] for split, position in reader.snapshot()} == {
        path: 7,
        str(tmp_path / "2.csv"): 4,
    }
    rewrite(path, "a\n")
    with pytest.raises(SourceChangedError, match="rewritten while it was followed"):
        wait_for(1)
    reader.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists open files there")
def test_following_many_files_opens_few_at_a_time(tmp_path) -> None:
    numbered = range(400)
    for number in numbered:
        write(tmp_path, f"{number:03}.csv", f"a\n{number}\n{number}\n" if number % 2 else "a\n")
    source = FileSource(path=str(tmp_path), follow=True, block_size=1)
    before, most, found = descriptors(), 0, []
    for batch in read_batches(source):
        most = max(most, descriptors() - before)
        found += numbers([batch])
    assert sorted(found) == sorted([*numbered[1::2], *numbered[1::2]])
    assert most < 10


def test_following_many_files_keeps_none_of_their_records_in_memory(tmp_path) -> None:
    text = "a\n" + "0123456789\n" * 20_000
    for number in range(30):
        write(tmp_path, f"{number:02}.csv", text)
    source = FileSource(path=str(tmp_path), follow=True, schema={"a": "string"})
    before, kept, rows = pa.total_allocated_bytes(), [], 0
    for batch in read_batches(source):
        rows += batch.num_rows
        del batch
        kept.append(pa.total_allocated_bytes() - before)
    assert rows == 30 * 20_000
    assert max(kept) < 5 * len(text)


def test_readers_get_files_between_long_looks_for_new_ones(tmp_path, monkeypatch) -> None:
    for number in range(300):
        write(tmp_path, f"in/{number:03}.csv", "a\n1\n")
    find, looks = LocalFiles.find, []

    def slow(client: LocalFiles, path: str) -> list[FileInfo]:
        looks.append(path)
        time.sleep(0.2)
        return find(client, path)

    def number_of_looks(name: str) -> int:
        looks.clear()
        source = FileSource(path=str(tmp_path / "in"), follow=True, poll_interval=0.05)
        flow = DataFlow(name=name, source=source, sink=MemorySink(place=f"{tmp_path}/{name}"))
        runtime = LocalRuntime(tmp_path / ".adf")
        assert runtime.runner(flow).run(Budget(records=300)).records_written == 300
        runtime.close()
        return len(looks)

    monkeypatch.setattr(LocalFiles, "find", slow)
    number = number_of_looks("rare")
    monkeypatch.setattr(discovery, "_SHARE", 1000)
    assert number < number_of_looks("control") / 2


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("in", {"in/a.csv", "in/b.csv/c.csv"}),
        ("in/*", {"in/a.csv"}),
        ("in/**/*.csv", {"in/a.csv", "in/b.csv/c.csv"}),
        ("in/b.csv/*.csv", {"in/b.csv/c.csv"}),
    ],
)
def test_directories_are_no_files_whatever_they_are_called(tmp_path, path, names) -> None:
    write(tmp_path, "in/b.csv/c.csv", "a\n1\n")
    write(tmp_path, "in/b.csv/.hidden.csv", "a\n2\n")
    write(tmp_path, "in/a.csv", "a\n3\n")
    found = {info.path for info in LocalFiles().find(str(tmp_path / path))}
    assert found == {str(tmp_path / name) for name in names}


def test_followed_files_are_shared_by_all_lanes(tmp_path) -> None:
    for number in range(20):
        write(tmp_path, f"in/{number:02}.csv", f"a\n{number}\n")
    assigned = Counter()

    def count(event: Event) -> None:
        if isinstance(event, SplitAssigned):
            assigned[event.lane] += 1
            time.sleep(0.002)

    runtime = LocalRuntime(tmp_path / ".adf", events=Events(count))
    flow = DataFlow(name="shared", source=FileSource(path=str(tmp_path / "in"), follow=True),
                    sink=MemorySink(place=str(tmp_path)), parallelism=2)  # fmt: skip
    assert runtime.runner(flow).run(Budget(until_caught_up=True)).records_written == 20
    runtime.close()
    assert set(assigned) == {0, 1}


def test_splits_survive_json() -> None:
    split = FileSplit("a.csv", 10, None, 100, 5, 2, Plan(0, 100, 10), (("a", "int64?"),))
    assert SERIALIZER.deserialize(SERIALIZER.serialize(split)) == split
    assert split.split_id == "a.csv@2#10-"
    assert [sibling.split_id for sibling in split.siblings()][:2] == ["a.csv@2#0-10", "a.csv@2#10-20"]
