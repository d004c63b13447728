"""Results as records and as rows of a Markdown table."""

from __future__ import annotations

from typing import Any

from benchmarks.harness import Case, Figures

COLUMNS = ["case", "program", "seconds (min-max)", "CPU s", "peak MB", "ours / it", "CPU ours / it", "goal"]
HEADER = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def results(case: Case, found: dict[str, Figures | str]) -> list[dict[str, Any]]:
    """What is kept of a contest, as JSON: one record a contestant."""
    ours = found[case.contestants[0].name]
    records = []
    for contestant in case.contestants:
        its = found[contestant.name]
        record: dict[str, Any] = {"case": case.name, "rows": case.rows, "program": contestant.name}
        if isinstance(its, str):
            records.append(record | {"missing" if contestant.missing else "failed": its})
            continue
        low, high = its.spread
        record |= {"seconds": its.wall, "min": low, "max": high, "cpu": its.cpu, "peak_mb": its.peak}
        if isinstance(ours, Figures):
            if its is not ours:
                record |= {"ratio": ours.ratio(its), "cpu_ratio": ours.cpu_ratio(its)}
            if contestant.goal:
                record |= {"goal": contestant.goal.text, "held": contestant.goal.holds(ours, its)}
        records.append(record)
    return records


def cells(record: dict[str, Any]) -> list[str]:
    """The record as cells of the table."""
    begin = [record["case"], record["program"]]
    if why := record.get("missing") or record.get("failed"):
        lines = why.strip().replace("|", "\\|").splitlines()
        return [*begin, " … ".join(dict.fromkeys((lines[0], lines[-1]))), *[""] * (len(COLUMNS) - 3)]
    seconds = f"{record['seconds']:.2f} ({record['min']:.2f}-{record['max']:.2f})"
    ratios = [f"{record[name]:.2f}" if name in record else "" for name in ("ratio", "cpu_ratio")]
    goal = f"{record['goal']} {'✓' if record['held'] else '✗'}" if "goal" in record else ""
    return [*begin, seconds, f"{record['cpu']:.2f}", str(record["peak_mb"]), *ratios, goal]
