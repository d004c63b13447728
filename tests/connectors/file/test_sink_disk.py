"""Disks that are full, read-only, or not there: a clear error, and nothing half-written."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from active_data_flow.connectors.file.sink import FileSink
from active_data_flow.core.errors import SinkError
from file_sink_engine import Engine, ids_in, numbered_rows, visible

SINKS: list[dict[str, Any]] = [
    {"path": "out.csv"},
    {"path": "out.json"},
    {"path": "out.jsonl.gz"},
    {"path": "out.parquet", "compression": "none", "row_group_size": 50},
    {"path": "out.arrow"},
    {"path": "out/", "format": "csv"},
    {"path": "out/", "format": "parquet", "partition_by": ["kind"], "row_group_size": 50},
]


def sink_in(folder: Path, options: dict[str, Any]) -> FileSink:
    return FileSink(**options | {"path": f"{folder}/{options['path']}"})


def named(options: dict[str, Any]) -> str:
    return options["path"] + options.get("format", "")


def mounted(place: Path, options: str) -> Iterator[Path]:
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    yield from mounted(tmp_path / "disk", "size=256k")


def write_until_it_fails(engine: Engine) -> SinkError:
    with pytest.raises(SinkError) as caught:  # noqa: PT012  # one of many writes fails
        for _ in range(100):
            rows = numbered_rows(engine.rows, 200)
            # text that no compression makes small
            noise = [f"{number * 7919 % 1000003}{hash((number, 'x'))}" * 20 for number in range(200)]
            engine.write(rows.append_column("noise", pa.array(noise))).commit()
    return caught.value


@pytest.mark.parametrize("options", SINKS, ids=named)
def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(small_disk: Path, options: dict[str, Any]) -> None:
    sink = sink_in(small_disk, options)
    engine = Engine(sink).start()
    error = write_until_it_fails(engine)
    assert "the disk is full" in str(error)
    assert str(small_disk) in str(error)
    committed = 0 if engine.stored is None else engine.stored.splits["split"].position
    engine.stop()
    assert ids_in(sink.place) == list(range(committed))
    assert not list(small_disk.rglob("*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    engine.rows = committed
    engine.start().write(numbered_rows(committed, 10).append_column("noise", pa.array(["x"] * 10))).commit().stop()
    assert ids_in(sink.place) == list(range(committed + 10))


@pytest.mark.parametrize("options", SINKS, ids=named)
def test_a_read_only_disk_is_named_and_left_alone(small_disk: Path, options: dict[str, Any]) -> None:
    sink = sink_in(small_disk, options)
    engine = Engine(sink).start().write(numbered_rows(0, 5)).commit().stop()
    before = {path: path.read_bytes() for path in visible(small_disk)}
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(SinkError, match=r"can't write .*read-only"):
        sink.check()
    engine.start()
    with pytest.raises(SinkError, match=r"can't write .*Read-only file system: the disk is mounted read-only"):
        engine.write(numbered_rows(5, 5)).commit()
    engine.stop()
    assert {path: path.read_bytes() for path in visible(small_disk)} == before


@pytest.fixture
def limited_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("options", SINKS, ids=named)
def test_a_file_that_may_not_grow_keeps_what_was_committed(
    tmp_path: Path, limited_files: None, options: dict[str, Any]
) -> None:
    sink = sink_in(tmp_path, options)
    engine = Engine(sink).start()
    engine.write(numbered_rows(0, 5).append_column("noise", pa.array(["x"] * 5))).commit()
    with pytest.raises(SinkError, match=r"can't write .*(too large|may not grow)"):  # noqa: PT012  # likewise
        for start in range(5, 20_000, 1000):
            noise = [f"{hash((number, start))}" * 10 for number in range(1000)]
            engine.write(numbered_rows(start, 1000).append_column("noise", pa.array(noise)))
        engine.commit()
    engine.stop()
    assert ids_in(sink.place) == list(range(5))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("options", SINKS, ids=named)
def test_a_path_below_a_file_is_an_error_that_says_so(tmp_path: Path, options: dict[str, Any]) -> None:
    (tmp_path / "file").write_text("I am no directory")
    sink = sink_in(tmp_path / "file", options)
    with pytest.raises(SinkError, match=r"can't write .*a part of the path is a file"):
        sink.check()
    engine = Engine(sink)
    with pytest.raises(SinkError, match=r"is a file|a file has the name"):
        engine.start().write(numbered_rows(0, 1)).commit()
    if engine.writer is not None:
        engine.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_check_tells_what_will_be_and_leaves_nothing(tmp_path: Path) -> None:
    assert FileSink(path=f"{tmp_path}/a/b/out.csv").check() == [f"{tmp_path}/a/b can be created in {tmp_path}"]
    assert FileSink(path=f"{tmp_path}/out.csv").check() == [f"{tmp_path} can be written"]
    assert list(tmp_path.iterdir()) == []


def test_a_value_too_long_for_a_folder_says_so(tmp_path: Path) -> None:
    engine = Engine(FileSink(path=f"{tmp_path}/out/", format="csv", partition_by=["a"])).start()
    with pytest.raises(SinkError, match="name is too long"):
        engine.write([{"a": "x" * 300, "b": 1}])
    engine.stop()
