"""`make bench`: us against the references, whole processes in turn, checkpoints on.

python -m benchmarks [CASE …] [--rows 2000000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import cases
from benchmarks.harness import HEADER, contest


def main() -> None:
    """Run the cases that were asked for and print one Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*cases.CASES, []], help="which; default: all")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the made table (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each program (default: %(default)s)")
    options = parser.parse_args()
    source = cases.made(options.rows)
    print(f"{options.rows:,} rows x 12 columns, {source.stat().st_size / 1e6:.0f} MB; {options.rounds} rounds\n")
    print("\n".join(HEADER), flush=True)
    for name in options.cases or cases.CASES:
        with (
            tempfile.TemporaryDirectory(prefix="adf-bench-") as folder,
            cases.CASES[name](source, Path(folder)) as case,
        ):
            print("\n".join(contest(case, options.rounds, Path(folder))), flush=True)


if __name__ == "__main__":
    sys.exit(main())
