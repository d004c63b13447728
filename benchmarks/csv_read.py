"""CSV to Arrow: the file source against `pyarrow.csv.open_csv`, whole processes in turn.

python -m benchmarks.csv_read [--rows 2000000] [--rounds 5] [--path FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.data import COLUMNS, write_csv
from benchmarks.schema import SCHEMA_OPTIONS

OURS = """
import json, resource, sys
from active_data_flow.connectors.file import FileSource
rows = 0
for batch in FileSource(path=sys.argv[1], schema=json.loads(sys.argv[2])).batches():
    rows += batch.num_rows
print(json.dumps([rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""

REFERENCE = """
import json, resource, sys
sys.path.insert(0, sys.argv[3])
import pyarrow.csv as pacsv
from benchmarks.data import COLUMNS
rows = 0
convert = pacsv.ConvertOptions(column_types=COLUMNS, null_values=[""], strings_can_be_null=True)
with pacsv.open_csv(sys.argv[1], read_options=pacsv.ReadOptions(block_size=2**20), convert_options=convert) as reader:
    for batch in reader:
        rows += batch.num_rows
print(json.dumps([rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        path = write_csv(options.path or Path(folder) / "made.csv", options.rows)
        size = path.stat().st_size
        print(f"{options.rows:,} rows x {len(COLUMNS)} columns, {size / 1e6:,.0f} MB, {options.rounds} rounds in turn")
        results = {name: [_time(program, path) for _ in range(1)] for name, program in PROGRAMS.items()}  # warm up
        results = {name: [] for name in PROGRAMS}
        for _ in range(options.rounds):
            for name, program in PROGRAMS.items():
                results[name].append(_time(program, path))
        _report(results, options.rows)


PROGRAMS = {"open_csv": REFERENCE, "FileSource": OURS}


def _time(program: str, path: Path) -> tuple[float, float, int, int]:
    """Wall seconds, CPU seconds, rows, peak MB."""
    command = [
        sys.executable,
        "-c",
        _TIMED + program,
        str(path),
        json.dumps(SCHEMA_OPTIONS),
        str(Path(__file__).parent),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, peak = json.loads(done.stdout.splitlines()[-2])
    wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return wall, cpu, rows, peak


_TIMED = """
import atexit, json, time
begun = time.perf_counter()
atexit.register(lambda: print(json.dumps([time.perf_counter() - begun, time.process_time()])))
"""


def _report(results: dict[str, list[tuple[float, float, int, int]]], rows: int) -> None:
    medians = {name: statistics.median(result[0] for result in found) for name, found in results.items()}
    for name, found in results.items():
        assert all(result[2] == rows for result in found), f"{name} did not read every row"
        cpu = statistics.median(result[1] for result in found)
        peak = max(result[3] for result in found)
        ratio = medians[name] / medians["open_csv"]
        print(f"{name:12} {medians[name]:6.2f} s wall  {cpu:6.2f} s CPU  {peak:5} MB peak  {ratio:5.2f} x open_csv")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--path", type=Path, help="where to keep the made file; default: nowhere")
    return parser.parse_args()


if __name__ == "__main__":
    main()
