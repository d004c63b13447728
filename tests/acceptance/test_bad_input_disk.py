"""A disk that is full or read-only is named; what was committed stays, the rest is read again when there is room."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from flow_folder import TABLE, disk, remount

ROWS = 20_000
# a text that no format makes small
LINES = [f"{number},{number * 7919 % 1_000_003:x}{number * 104_729 % 1_299_709:x}" for number in range(ROWS)]
MANY = "id,name\n" + "\n".join(LINES) + "\n"
EXPECTED = [tuple(line.split(",")) for line in LINES]
SMALL_STEPS = {"checkpoint": {"every": 0}}
SINKS = {
    "csv": {"type": "file", "path": "disk/out.csv"},
    "parquet": {"type": "file", "path": "disk/out.parquet"},
    "folder": {"type": "file", "path": "disk/out/", "format": "parquet"},
    "sqlite": TABLE | {"url": "sqlite:///disk/out.db"},
}


def written(folder, sink):
    if sink == "csv":
        return [(row["id"], row["name"]) for row in folder.rows("disk/out.csv")]
    if sink == "sqlite":
        path = folder.path / "disk/out.db"
        return [(str(key), name) for key, name in folder.table(database=path)] if path.exists() else []
    place = folder.path / SINKS[sink]["path"]
    parts = sorted(place.glob("*.parquet")) if place.is_dir() else [place] if place.exists() else []
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    return [(str(row["id"]), row["name"]) for row in sorted(rows, key=lambda row: row["id"])]


@pytest.mark.parametrize("sink", SINKS)
def test_a_full_disk_under_the_sink(folder, sink):
    folder.put("in.csv", MANY).flow({"block_size": 16384}, SINKS[sink], **SMALL_STEPS)
    with disk(folder.path / "disk", "200k") as place:
        outcome = folder.fails("disk/out", "run" if sink == "sqlite" else "the disk is full; free some space")
        assert "no space left" in outcome.text.lower()
        committed = outcome.json["records_written"]
        assert committed < ROWS
        assert written(folder, sink) == EXPECTED[:committed]
        remount(place, "size=20m")
        assert folder.succeeds()["records_written"] == ROWS - committed
        assert written(folder, sink) == EXPECTED


@pytest.mark.parametrize("sink", SINKS)
def test_a_read_only_disk_under_the_sink(folder, sink):
    folder.put("in.csv", "id,name\n1,a\n").flow(None, SINKS[sink], contract={"type": "freeze"})
    with disk(folder.path / "disk", "20m") as place:
        folder.succeeds()
        folder.put("in.csv", "id,name\n1,a\n2,b\n")
        remount(place, "ro")
        folder.fails("disk/out", "mounted read-only")
        assert folder.adf("check").code == 2
        remount(place, "rw")
        assert written(folder, sink) == [("1", "a")]
        folder.succeeds()
        assert written(folder, sink) == [("1", "a"), ("2", "b")]


@pytest.mark.parametrize("sink", ["csv", "sqlite"])
def test_a_full_disk_under_the_checkpoints(folder, sink):
    folder.put("in.csv", MANY).flow({"block_size": 16384}, SINKS[sink], **SMALL_STEPS)
    (folder.path / "disk").mkdir()
    with disk(folder.path / ".adf", "100k") as place:
        folder.fails("checkpoint store .adf/state.db", "is the disk full or read-only?")
        remount(place, "size=20m")
        folder.succeeds()
        assert written(folder, sink) == EXPECTED


def test_a_read_only_disk_under_the_checkpoints(folder):
    folder.put("in.csv", "id,name\n1,a\n").flow()
    with disk(folder.path / ".adf", "20m") as place:
        remount(place, "ro")
        folder.fails("checkpoint store .adf/state.db", "is the disk full or read-only?")
        assert folder.rows() == []
        remount(place, "rw")
        folder.succeeds()
        folder.put("in.csv", "id,name\n1,a\n2,b\n")
        remount(place, "ro")
        folder.fails(".adf/", "Read-only file system", "see that the directory of checkpoints can be written")
        assert folder.rows() == [{"id": "1", "name": "a"}]
        assert folder.raw("runs").code == 0
        remount(place, "rw")
        folder.succeeds()
        assert folder.rows() == [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]
