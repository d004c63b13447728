"""How our cost grows: with rows, with splits, with lanes.

python -m benchmarks scaling [--largest 10000000] [--rounds 2]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cases import parquet, postgresql, sqlite, transforms
from benchmarks.harness import Contestant, Figures, run
from benchmarks.setting import CaseMaker, Setting
from benchmarks.store import save

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
INTO: tuple[CaseMaker, ...] = (parquet.csv, postgresql.csv, sqlite.csv)
SPLITS = (1, 2, 3, 4, 6, 8)
LANES = (1, 2, 3, 4)
MOST_SPLITS = 8


def main(arguments: list[str]) -> int:
    """Measure and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scaling", description=__doc__)
    parser.add_argument(
        "--largest", type=int, default=SIZES[-1], help="rows of the largest input (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=2, help="runs of each program with splits and lanes (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    rows = max(options.largest // 10, 1)
    with tempfile.TemporaryDirectory(prefix="adf-bench-") as name:
        folder = Path(name)
        found = {
            "rows": list(_by_rows(folder, options.largest)),
            "splits": list(_in_turn(_splits(Setting(rows, folder)), options.rounds, folder)),
            "lanes": list(_in_turn(_lanes(Setting(rows, folder)), options.rounds, folder)),
        }
    save("scaling", found)
    return 0


Point = tuple[str, int, Contestant]
"""Name of the series, where on the axis, and what is run."""


def _by_rows(folder: Path, largest: int) -> Iterator[dict[str, Any]]:
    """Each sink once for each size; a data file only as long as it is needed."""
    for rows in (size * largest // SIZES[-1] for size in SIZES):
        setting = Setting(rows, folder, folder / "data")
        for make in INTO:
            with make(setting) as case:
                yield _record(case.name, rows, Figures([run(case.contestants[0], folder / "log.txt")]))
        setting.made(".csv").unlink()


def _in_turn(points: list[Point], rounds: int, folder: Path) -> Iterator[dict[str, Any]]:
    figures = [Figures([]) for _ in points]
    for _ in range(rounds):
        for (_, _, contestant), known in zip(points, figures, strict=True):
            known.runs.append(run(contestant, folder / "log.txt"))
    for (series, place, _), known in zip(points, figures, strict=True):
        yield _record(series, place, known)


def _splits(setting: Setting) -> list[Point]:
    """One file in so many byte ranges."""
    return [
        (f"{lanes} {'lane' if lanes == 1 else 'lanes'}", splits, _ranges(setting, splits, lanes))
        for lanes in (2, 4)
        for splits in SPLITS
    ]


def _lanes(setting: Setting) -> list[Point]:
    """So many lanes, with nothing but Arrow's work and with Python code for each record."""
    busy = partial(transforms.busy, replace(setting, rows=setting.rows // 4), splits=MOST_SPLITS)
    return [
        *(("CSV → Parquet, threads", lanes, _ranges(setting, MOST_SPLITS, lanes)) for lanes in LANES),
        *(
            (f"Python transform, {kind}", lanes, busy("busy", "--parallelism", str(lanes), "--set", f"lanes={kind}"))
            for kind in ("threads", "processes")
            for lanes in LANES
        ),
    ]


def _ranges(setting: Setting, splits: int, lanes: int) -> Contestant:
    path, out = setting.made(".csv"), setting.folder / "out"
    source = {
        "type": "file",
        "path": str(path),
        "newlines_in_values": False,
        "split_size": -(-path.stat().st_size // splits),
    }
    sink = {"type": "file", "path": f"{out}/", "format": "parquet"}
    return parquet.into_folder(out, setting.flow(source, sink, f"{splits} {lanes}", parallelism=lanes))


def _record(series: str, place: int, figures: Figures) -> dict[str, Any]:
    record = {"series": series, "at": place, "seconds": figures.wall, "cpu": figures.cpu, "peak_mb": figures.peak}
    print(f"{series} at {place:,}: {figures.wall:.2f} s, {figures.cpu:.2f} CPU s, {figures.peak} MB", flush=True)
    return record
