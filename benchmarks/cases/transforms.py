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
    two = busy(setting, "two processes", "--parallelism", "2", "--set", "lanes=processes")
    one = replace(busy(setting, "one thread"), goal=at_most(1 / 1.5))
    yield Case("Python in processes", setting.rows, [two, one])


def busy(setting: Setting, name: str, *options: str, splits: int = 1) -> Contestant:
    """The flow `Busy` from the made table as CSV, in so many splits where there are several lanes, to Parquet."""
    path, state, out = setting.made(".csv"), setting.folder / "adf", setting.folder / "out"
    flow = Path(__file__).parent.parent / "ours" / "busy.py"
    source = [f"source.path={path}", "source.newlines_in_values=false"]
    source.append(f"source.split_size={-(-path.stat().st_size // splits)}")
    settings = [part for change in (*source, f"sink.path={out}/") for part in ("--set", change)]
    command = [ADF, "run", f"{flow}:Busy", "--quiet", "--directory", str(state), *settings, *options]
    return into_folder(out, Contestant(name, command, partial(shutil.rmtree, state, ignore_errors=True)))
