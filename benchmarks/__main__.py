"""Us against the references and, with ``--peers``, against other libraries: whole processes in turn, checkpoints on.

python -m benchmarks [CASE …] [--rows 2000000] [--rounds 3] [--peers] [--save]
python -m benchmarks scaling: how our cost grows with rows, splits and lanes
python -m benchmarks report: write docs/benchmarks.md from what was kept
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import report, scaling
from benchmarks.cases import CASES, Listed
from benchmarks.harness import contest
from benchmarks.setting import Setting
from benchmarks.store import load, save
from benchmarks.table import HEADER, cells, results


def main(arguments: list[str]) -> int:
    """Do what was asked for; 1: a program failed."""
    match arguments:
        case ["scaling", *rest]:
            return scaling.main(rest)
        case ["report"]:
            return report.main()
        case _:
            return paths(_options(arguments))


def paths(options: argparse.Namespace) -> int:
    """Run cases and print one Markdown table."""
    print(f"{options.rows:,} rows x 12 columns, in some cases a part of them; {options.rounds} rounds\n\n{HEADER}")
    records: list[dict[str, Any]] = []
    for name in options.cases or CASES:
        if options.peers or not CASES[name].needs_peers:
            found = measure(CASES[name], options.rows, options.rounds, peers=options.peers)
            print("\n".join(f"| {' | '.join(cells(record))} |" for record in found), flush=True)
            records += found
    if options.save:
        save("paths", instead(records))
    return int(any("failed" in record for record in records))


def instead(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was kept, where cases that were measured now take the place of what was measured before."""
    kept = (load("paths") or {"results": []})["results"]
    found = {record["case"] for record in records}
    order = list(dict.fromkeys([*(record["case"] for record in kept), *(record["case"] for record in records)]))
    both = [record for record in kept if record["case"] not in found] + records
    return sorted(both, key=lambda record: order.index(record["case"]))


def measure(listed: Listed, rows: int, rounds: int, *, peers: bool) -> list[dict[str, Any]]:
    """The records of a case."""
    with tempfile.TemporaryDirectory(prefix="adf-bench-") as name:
        folder = Path(name)
        with listed.make(Setting(int(rows * listed.share), folder)) as case:
            taking_part = replace(case, contestants=[one for one in case.contestants if peers or not one.is_peer])
            return results(taking_part, contest(taking_part, rounds, folder))


def _options(arguments: list[str]) -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, formatter_class=form)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help="which; default: all")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the made table (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each program (default: %(default)s)")
    parser.add_argument("--peers", action="store_true", help="other libraries too, where `make bench-peers` put them")
    parser.add_argument(
        "--save",
        action="store_true",
        help="keep the figures in docs/benchmarks/ for the report; other cases keep theirs",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
