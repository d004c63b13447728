"""Flows to be struck: records that are easily told apart, written as files and tables, and read back."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import yaml

Row = tuple[int, str]
FILES, ROWS = 4, 1500
SCHEMA = {"id": "int64", "name": "string"}
CSV = {"type": "file", "path": "in/*.csv", "block_size": 4096, "schema": SCHEMA}
SQLITE = {"type": "sql", "url": "sqlite:///out.db", "table": "names"}


def records(number: int = 0, rows: int = ROWS) -> list[Row]:
    """Records with what formats stumble over: quotes, commas, line breaks, letters of two bytes."""
    return [(number * rows + row, f'näme "{row}", of\n{number}') for row in range(rows)]


def all_records(files: int = FILES) -> list[Row]:
    return [record for number in range(files) for record in records(number)]


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SCHEMA)
        writer.writerows(rows)


def as_table(rows: Iterable[Row]) -> pa.Table:
    return pa.Table.from_pylist([{"id": key, "name": name} for key, name in rows])


def write_files(folder: Path, ending: str) -> None:
    """The input as files of a format."""
    folder.mkdir()
    for number in range(FILES):
        path, rows = folder / f"part-{number}{ending}", records(number)
        if ending == ".csv":
            write_csv(path, rows)
        elif ending == ".parquet":
            pq.write_table(as_table(rows), path, row_group_size=100)
        elif ending == ".arrow":
            with pa.ipc.new_file(path, as_table(rows).schema) as file:
                file.write_table(as_table(rows), max_chunksize=100)
        else:
            lines = [json.dumps({"id": key, "name": name}) for key, name in rows]
            path.write_text("\n".join(lines) + "\n" if ending == ".jsonl" else f"[{','.join(lines)}]")


def write_flow(folder: Path, source: dict[str, Any], sink: dict[str, Any], **settings: Any) -> str:
    """The document; it commits after each batch."""
    flow = {"name": folder.name, "source": source, "sink": sink, "checkpoint": {"every": 0}, **settings}
    (folder / "flow.yaml").write_text(yaml.safe_dump(flow))
    return "flow.yaml"


def rows_of(path: Path) -> list[Row]:
    """What is in a file, or in the files of a directory."""
    if path.is_dir():
        return [row for part in path.rglob("part-*") for row in rows_of(part)]
    if not path.exists():
        return []
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            found: Iterable[Any] = list(csv.DictReader(file))
    elif path.suffix == ".jsonl":
        found = map(json.loads, path.read_text().splitlines())
    elif path.suffix == ".json":
        found = json.loads(path.read_text())
    elif path.suffix == ".parquet":
        found = pq.read_table(path).to_pylist()
    else:
        with pa.memory_map(str(path)) as file:
            found = pa.ipc.open_file(file).read_all().to_pylist()
    return [(int(row["id"]), row["name"]) for row in found]


def rows_in_sqlite(path: Path, table: str = "names") -> list[Row]:
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall():
            return []
        return connection.execute(f"SELECT id, name FROM {table}").fetchall()


__all__ = [
    "CSV",
    "FILES",
    "ROWS",
    "SCHEMA",
    "SQLITE",
    "all_records",
    "as_table",
    "records",
    "rows_in_sqlite",
    "rows_of",
    "write_csv",
    "write_files",
    "write_flow",
]
