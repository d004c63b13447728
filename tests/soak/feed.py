"""An endless source: appends CSV records to growing files, and begins new ones, as fast as the disk takes them.

Started as a program with the folder's path and a number of files; SIGTERM ends it. It pauses only while more files than
that wait to be compared, so that the disk doesn't fill. Each file that is closed gets a line in ``ledger.txt``: its
number, records and bytes.
"""

from __future__ import annotations

import io
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.csv as pa_csv

from soak.records import COLUMNS, FILE_ROWS, csv_query

_GROWING = 3
_MOST_ROWS = 20_000
_PAUSE = 0.05


@dataclass(frozen=True)
class Closed:
    """A file that doesn't grow any more."""

    number: int
    rows: int
    size: int

    @property
    def ids(self) -> tuple[int, int]:
        """The first id and the one behind the last."""
        first = self.number * FILE_ROWS
        return first, first + self.rows


def closed_files(folder: Path) -> Iterator[Closed]:
    """What the ledger says."""
    ledger = folder / "ledger.txt"
    if ledger.exists():
        complete = ledger.read_text().rpartition("\n")[0]
        yield from (Closed(*map(int, line.split())) for line in complete.splitlines())


def path_of(number: int) -> str:
    """A file's path below the folder."""
    return f"in/feed-{number:06}.csv"


class Growing:
    """A file that records are appended to; often a line is there in part before its rest is."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.rows = 0
        self._file = (folder / path_of(number)).open("ab", buffering=0)
        self._file.write((",".join(["id", *COLUMNS]) + "\n").encode())

    def append(self, database: duckdb.DuckDBPyConnection, chance: random.Random) -> None:
        """Write some more records."""
        rows = min(chance.randint(1, _MOST_ROWS), FILE_ROWS - self.rows)
        first = self.number * FILE_ROWS + self.rows
        text = io.BytesIO()
        table = database.sql(csv_query(first, first + rows)).to_arrow_table()
        pa_csv.write_csv(table, text, pa_csv.WriteOptions(include_header=False))
        data = text.getvalue()
        cut = chance.randrange(len(data))
        self._file.write(data[:cut])
        self._file.write(data[cut:])
        self.rows += rows

    def close(self, folder: Path) -> None:
        """Write it into the ledger."""
        size = self._file.tell()
        self._file.close()
        with (folder / "ledger.txt").open("a") as ledger:
            ledger.write(f"{self.number} {self.rows} {size}\n")


def feed(folder: Path, most_files: int) -> None:
    """Write until SIGTERM."""
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    chance = random.Random(3)
    database = duckdb.connect(config={"threads": 1, "memory_limit": "256MB"})
    growing = [Growing(folder, number) for number in range(_GROWING)]
    begun = _GROWING
    while not stopped:
        if len(list((folder / "in").iterdir())) > most_files:
            time.sleep(_PAUSE)
            continue
        place = chance.randrange(_GROWING)
        growing[place].append(database, chance)
        if growing[place].rows == FILE_ROWS:
            growing[place].close(folder)
            growing[place] = Growing(folder, begun)
            begun += 1
    for file in growing:
        file.close(folder)


if __name__ == "__main__":
    feed(Path(sys.argv[1]), int(sys.argv[2]))
