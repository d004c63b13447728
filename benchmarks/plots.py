"""Plots of the scaling figures, as SVG that can be read on light and on dark pages.

python -m benchmarks.plots SCALING_JSON FOLDER; needs matplotlib, which is in the environment of the peers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogFormatter

GREY = "#7d8590"
COLOURS = ("#2f81f7", "#db6d28", "#3fb950", "#a371f7")
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "active-data-flow",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.marker": "o",
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), GREY),
}

Records = list[dict[str, Any]]


def draw_rows(records: Records, time: Axes, memory: Axes) -> None:
    """Seconds and peak memory over rows."""
    for series, points in _series(records):
        rows = [point["at"] for point in points]
        time.plot(rows, [point["seconds"] for point in points], label=series)
        memory.plot(rows, [point["peak_mb"] for point in points], label=series)
    time.set(xscale="log", yscale="log", xlabel="rows", ylabel="seconds", title="Time by rows")
    memory.set(xscale="log", xlabel="rows", ylabel="MB", title="Peak memory by rows")
    memory.axhline(300, color=GREY, linestyle="--", linewidth=1, marker="")
    memory.annotate("goal", (min(point["at"] for point in records), 303), color=GREY)
    memory.set_ylim(0, max(330, *(point["peak_mb"] * 1.1 for point in records)))
    for axes in (time, memory):
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    time.yaxis.set_major_formatter(LogFormatter())
    time.yaxis.set_minor_formatter(LogFormatter())
    time.legend()


def draw_parallel(records: dict[str, Records], splits: Axes, lanes: Axes) -> None:
    """Seconds over splits and over lanes."""
    for axes, name in ((splits, "splits"), (lanes, "lanes")):
        for series, points in _series(records[name]):
            axes.plot([point["at"] for point in points], [point["seconds"] for point in points], label=series)
        axes.set(xlabel=name, ylabel="seconds", title=f"Time by {name}")
        axes.set_ylim(bottom=0)
        axes.set_xticks(sorted({point["at"] for point in records[name]}))
        axes.legend()


def _series(records: Records) -> list[tuple[str, Records]]:
    names = dict.fromkeys(record["series"] for record in records)
    return [(name, [record for record in records if record["series"] == name]) for name in names]


def _figure(target: Path, draw: Callable[[Axes, Axes], None]) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    draw(left, right)
    metadata = {"Date": None} if target.suffix == ".svg" else None
    figure.savefig(target, transparent=True, metadata=metadata)


def main(source: str, folder: str, ending: str = ".svg") -> None:
    """Draw all."""
    mpl.use("Agg")
    results = json.loads(Path(source).read_text())["results"]
    with mpl.rc_context(STYLE):
        _figure(Path(folder) / f"rows{ending}", lambda *axes: draw_rows(results["rows"], *axes))
        _figure(Path(folder) / f"parallel{ending}", lambda *axes: draw_parallel(results, *axes))


if __name__ == "__main__":
    main(*sys.argv[1:])
