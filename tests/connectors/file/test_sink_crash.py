"""Whatever is killed, wherever: the files hold exactly the committed records."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import file_sink_engine
from active_data_flow.connectors.file.sink import FileSink
from file_sink_engine import Engine, ids_in, numbered_rows

ONE_FILE: list[dict[str, Any]] = [
    {"path": "out.csv"},
    {"path": "out.csv.gz"},
    {"path": "out.jsonl"},
    {"path": "out.jsonl.zst"},
    {"path": "out.json"},
    {"path": "out.json.bz2"},
    {"path": "out.csv", "quoting": "all"},
    {"path": "out.parquet"},
    {"path": "out.arrow"},
]
DIRECTORIES: list[dict[str, Any]] = [
    {"path": "out/", "format": "csv"},
    {"path": "out/", "format": "csv", "partition_by": ["kind"], "roll_rows": 7},
    {"path": "out/", "format": "json_lines", "compression": "gzip", "roll_rows": 5},
    {"path": "out/", "format": "json_array", "partition_by": ["kind"]},
    {"path": "out/", "format": "parquet", "partition_by": ["kind"], "row_group_size": 4},
    {"path": "out/", "format": "arrow", "roll_bytes": 2000},
]

operations = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 30)),
        st.tuples(st.just("commit"), st.sampled_from(["prepared", "saved", "committed", None, None])),
        st.tuples(st.just("again"), st.sampled_from(["kill", "close"])),
    ),
    max_size=14,
)


def sink_in(folder: Path, options: dict[str, Any]) -> FileSink:
    return FileSink(**options | {"path": f"{folder}/{options['path']}"})


def play(engine: Engine, plan: list[tuple[str, Any]]) -> list[int]:
    """Carry out a plan; the ids that must be there in the end. What is lost is written again, as an engine does."""
    committed: list[int] = []
    pending: list[int] = []
    engine.start()
    for action, detail in plan:
        if action == "write":
            engine.write(numbered_rows(engine.rows, detail))
            pending += range(engine.rows - detail, engine.rows)
            continue
        if action == "commit":
            engine.commit(detail)
            if detail != "prepared":
                committed, pending = committed + pending, []
            if detail is None:
                continue
        if detail != "close":
            engine.kill()
        else:
            engine.stop()
        pending = []
        engine.rows = len(committed)
        engine.start()
    engine.stop()
    return committed


@pytest.mark.parametrize("options", ONE_FILE + DIRECTORIES, ids=lambda options: "-".join(map(str, options.values())))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=operations)
def test_any_plan_of_writes_commits_and_kills_leaves_exactly_what_was_committed(
    options: dict[str, Any], plan: list[tuple[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sink = sink_in(Path(folder), options)
        committed = play(Engine(sink), plan)
        assert ids_in(sink.place) == committed
        assert not list(Path(folder).rglob("*.tmp"))


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("out.csv", '"id","text","kind"\n-1,"old",\n'),
        ("out.csv", "text,id,kind\nold,-1,"),
        ("out.jsonl", '{"id": -1}'),
        ("out.json", ' [ {"id": -1}\n ]\n\n'),
        ("out.json", "[]"),
    ],
)
@settings(max_examples=15, deadline=None)
@given(plan=operations)
def test_what_was_in_the_file_before_the_first_run_survives_every_kill(
    name: str, before: str, plan: list[tuple[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, name)
        place.write_text(before)
        committed = play(Engine(FileSink(path=str(place))), plan)
        old = [-1] if "-1" in before else []
        assert ids_in(place) == old + committed


@settings(max_examples=25, deadline=None)
@given(plan=operations)
def test_replace_shows_the_old_content_until_a_run_has_committed_and_only_that_run_after_it(
    plan: list[tuple[str, Any]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "out.csv")
        place.write_text("id,text,kind\n-1,old,\n")
        engine = Engine(FileSink(path=str(place), mode="replace"))
        shown, run, pending = [-1], list[int](), list[int]()
        engine.start()
        for action, detail in plan:
            if action == "write":
                engine.write(numbered_rows(engine.rows, detail))
                pending += range(engine.rows - detail, engine.rows)
                assert ids_in(place) == shown
                continue
            if action == "commit":
                engine.commit(detail)
                if detail != "prepared" and pending:
                    run, pending = run + pending, []
                    shown = run
                if detail is None:
                    assert ids_in(place) == shown
                    continue
            engine.kill().start()
            run, pending = [], []
        engine.stop()
        assert ids_in(place) == shown


class Processes:
    """Processes that write files, one after the other."""

    def __init__(self) -> None:
        program = [sys.executable, file_sink_engine.__file__]
        self._server = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, options: dict[str, Any], state: Path, total: int, kill_at: float | None) -> int:
        """Let one write; kill it so many seconds after its start. Its exit code, or minus its signal."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps({"options": options, "state": str(state), "total": total}) + "\n")
        self._server.stdin.flush()
        child = int(self._server.stdout.readline())
        if kill_at is not None:
            time.sleep(kill_at)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(self._server.stdout.readline())

    def close(self) -> None:
        self._server.communicate(timeout=60)


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


@pytest.mark.parametrize(
    "options",
    [
        {"path": "out.csv"},
        {"path": "out.json"},
        {"path": "out.jsonl.gz"},
        {"path": "out/", "format": "parquet", "partition_by": ["kind"]},
        {"path": "out/", "format": "csv", "roll_rows": 11},
    ],
    ids=lambda options: options["path"] + options.get("format", ""),
)
def test_a_process_killed_at_any_moment_and_started_again_writes_each_record_exactly_once(
    tmp_path: Path, processes: Processes, options: dict[str, Any]
) -> None:
    total, chance = 2400, random.Random(str(options))
    sink = sink_in(tmp_path, options)
    options = options | {"path": str(sink.path)}
    latest = [0.004, 0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1]  # a fast machine is killed in time too
    ends = [processes.run(options, tmp_path / "state.json", total, chance.uniform(0, moment)) for moment in latest]
    assert -signal.SIGKILL in ends
    assert processes.run(options, tmp_path / "state.json", total, None) == 0
    assert ids_in(sink.place) == list(range(total))
    assert not list(tmp_path.rglob("*.tmp"))
