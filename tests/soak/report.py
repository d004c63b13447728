"""What a soak comes to: is memory flat, are descriptors, and how did everything go over time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from soak.probe import Sample
from soak.supervisor import Record

_GROWN = 15.0
_WARM = 60.0
Measure = Callable[[Sample], float]

MEASURES: dict[str, Measure] = {
    "memory": lambda sample: sample.memory,
    "descriptors": lambda sample: sample.descriptors,
    "threads": lambda sample: sample.threads,
}


def of_runs(record: Record, measure: Measure) -> list[tuple[float, float]]:
    """Of each run that grew old enough: when it began, and the median of what was measured from then on."""
    found = []
    for run in record.runs:
        values = [measure(sample) for sample in record.samples if sample.run == run.number and sample.age >= _GROWN]
        if values:
            found.append((run.began, median(values)))
    return found


def growth(points: Sequence[tuple[float, float]], over: float) -> float:
    """How much a line through the points rises over so many seconds, as a share of their mean."""
    if len(points) < 2:
        return 0.0
    at, values = np.array(points).T
    slope, _ = np.polyfit(at, values, 1)
    return float(slope * over / values.mean())


def summary(record: Record) -> dict[str, Any]:
    """All figures."""
    last = max((sample.run for sample in record.samples), default=0)
    calm = [sample for sample in record.samples if sample.run == last and sample.age >= _WARM]
    length = calm[-1].at - calm[0].at if calm else 0.0
    measured = {name: _measured(record, measure, calm, length) for name, measure in MEASURES.items()}
    killed = [run for run in record.runs if run.code == -9]
    return {
        "seconds": record.plan.seconds,
        "runs": len(record.runs),
        "killed": len(killed),
        "failed": [run.said for run in record.runs if run.code not in (None, 0, -9) and not run.outage],
        "failed_by_outage": sum(run.code not in (None, 0, -9) and run.outage for run in record.runs),
        "outages": len(record.outages),
        "calm": length,
        "most_reading": max(sample.reading for sample in record.samples),
        "records_a_second": record.samples[-1].written / record.samples[-1].at,
        **measured,
        "store": record.stores[-1],
        **record.result,
    }


def _measured(record: Record, measure: Measure, calm: Sequence[Sample], length: float) -> dict[str, float]:
    points = of_runs(record, measure)
    return {
        "median": median(value for _, value in points) if points else 0,
        "most": max(map(measure, record.samples)),
        "growth_from_run_to_run": growth(points, record.plan.rough),
        "growth_within_a_run": growth([(sample.at, measure(sample)) for sample in calm], length),
    }


def write(record: Record, folder: Path) -> dict[str, Any]:
    """Put ``soak.json`` with figures and samples, and ``soak.svg``, into a folder; gives the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = summary(record)
    everything = {"figures": figures, **asdict(record)}
    (folder / "soak.json").write_text(json.dumps(everything, default=str))
    (folder / "soak.svg").write_text(plot(record))
    return figures


def plot(record: Record) -> str:
    """Memory, descriptors, threads and throughput over time, below each other; a run ends where a line breaks off."""
    height, width = 130, 1000
    rows = {**MEASURES, "records a second": lambda _sample: 0.0}
    box = f"0 0 {width + 20} {len(rows) * (height + 30) + 10}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif" font-size="12">']
    for place, (name, measure) in enumerate(rows.items()):
        lines = _throughput(record) if place == len(rows) - 1 else _lines(record, measure)
        top = max((value for line in lines for _, value in line), default=1) or 1
        parts.append(f'<g transform="translate(10,{place * (height + 30) + 20})">')
        parts.append(f'<text y="-6">{name}, at most {top:,.0f}</text>')
        parts.append(f'<rect width="{width}" height="{height}" fill="none" stroke="#ccc"/>')
        for line in lines:
            points = " ".join(
                f"{at / record.plan.seconds * width:.1f},{height - value / top * height:.1f}" for at, value in line
            )
            parts.append(f'<polyline points="{points}" fill="none" stroke="#258"/>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"])


def _lines(record: Record, measure: Measure) -> list[list[tuple[float, float]]]:
    lines: dict[int, list[tuple[float, float]]] = {}
    for sample in record.samples:
        lines.setdefault(sample.run, []).append((sample.at, measure(sample)))
    return list(lines.values())


def _throughput(record: Record, window: int = 10) -> list[list[tuple[float, float]]]:
    pairs = zip(record.samples, record.samples[window:], strict=False)
    return [[(new.at, max(new.written - old.written, 0) / (new.at - old.at)) for old, new in pairs]]


__all__ = ["MEASURES", "growth", "of_runs", "plot", "summary", "write"]
