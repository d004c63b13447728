"""Transforms: on messages, on batches, in processes."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.cases.parquet import into_folder
from benchmarks.harness import Case, Contestant, at_most
from benchmarks.setting import ADF, Setting, peer, program


@contextmanager
def messages(setting: Setting) -> Generator[Case]:
    """A transform that reads two fields, against one that was told which; only the loop counts."""
    yield _messages(setting, "read", "messages, two fields read")


@contextmanager
def messages_written(setting: Setting) -> Generator[Case]:
    """A transform that sets a field, too."""
    yield _messages(setting, "written", "messages, a field set")


def _messages(setting: Setting, job: str, name: str) -> Case:
    path = setting.made(".arrow")
    contestants = [
        program("transform(message)", "ours.messages", job, path),
        program("declared columns", "references.messages", "declared", job, path, goal=at_most(2.0)),
        program("to_pylist/from_pylist", "references.messages", "lists", job, path, goal=at_most(0.25)),
        peer("Bytewax", "bytewax_messages", job, path, goal=at_most(0.5)),
    ]
    return Case(name, setting.rows, contestants)


@contextmanager
def vectorised(setting: Setting) -> Generator[Case]:
    """`transform_batch` in the engine, against the same function in a loop; starting Python doesn't count."""
    path, state = setting.made(".arrow"), setting.folder / "adf"
    ours = program("transform_batch", "ours.vectorised", path, state)
    contestants = [
        ours.after(partial(shutil.rmtree, state, ignore_errors=True)),
        program("bare pyarrow loop", "references.vectorised", path, goal=at_most(1.1)),
    ]
    yield Case("batches, vectorised", setting.rows, contestants)


@contextmanager
def processes(setting: Setting) -> Generator[Case]:
    """A transform that costs, in two processes against none."""
    path, out = setting.made(".csv"), setting.folder / "out"
    two = _busy(setting, path, out, "two processes", "--parallelism", "2", "--set", "lanes=processes")
    one = _busy(setting, path, out, "one thread")
    contestants = [into_folder(out, two), into_folder(out, replace(one, goal=at_most(1 / 1.5)))]
    yield Case("Python in processes", setting.rows, contestants)


def _busy(setting: Setting, path: Path, out: Path, name: str, *options: str) -> Contestant:
    state = setting.folder / "adf"
    flow = Path(__file__).parent.parent / "ours" / "busy.py"
    command = [ADF, "run", f"{flow}:Busy", "--quiet", "--directory", str(state), *options]
    environment = {"BENCHMARK_SOURCE": str(path), "BENCHMARK_SINK": f"{out}/"}
    return Contestant(name, command, partial(shutil.rmtree, state, ignore_errors=True), environment)
