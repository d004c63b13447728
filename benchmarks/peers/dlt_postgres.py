"""CSV into PostgreSQL by dlt: python -m benchmarks.peers.dlt_postgres file|parquet URL CSV FOLDER.

Its two fastest ways: the file goes to COPY as it is, or Arrow batches go into Parquet files that ADBC loads, two at
a time. Batches by way of CSV files, and everything that makes objects of rows, took longer.
"""

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

os.environ |= {
    "DLT_DATA_DIR": sys.argv[4],
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "EXTRACT__WORKERS": "2",
    "NORMALIZE__WORKERS": "1",
    "LOAD__WORKERS": "2",
    "DATA_WRITER__BUFFER_MAX_ITEMS": "100000",
    "DATA_WRITER__FILE_MAX_ITEMS": "500000",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt  # it reads its settings as it is imported

from benchmarks.references.open_csv import open_csv
from benchmarks.schema import SCHEMA_OPTIONS

HINTS: dict[str, dict[str, Any]] = {
    "int64": {"data_type": "bigint"},
    "string": {"data_type": "text"},
    "timestamp[us]": {"data_type": "timestamp", "timezone": False},
    "date": {"data_type": "date"},
    "decimal(12,2)": {"data_type": "decimal", "precision": 12, "scale": 2},
    "float64": {"data_type": "double"},
    "bool": {"data_type": "bool"},
}
COLUMNS = {name: dict(HINTS[kind]) for name, kind in SCHEMA_OPTIONS.items()}


def arrow(path: str) -> Iterator[Any]:
    """Arrow batches, which dlt writes as files and loads."""
    yield from open_csv(path)


def file(path: str) -> Iterator[Any]:
    """The file as it is, which dlt has PostgreSQL load."""
    yield dlt.mark.with_file_import(path, "csv", 1)


WAYS: dict[str, tuple[Callable[[str], Iterator[Any]], str]] = {
    "file": (file, "csv"),
    "parquet": (arrow, "parquet"),
}


def main(way: str, url: str, path: str, folder: str) -> None:
    """Load."""
    rows, form = WAYS[way]
    database = dlt.destinations.postgres(url.replace("postgres@", "postgres:unused@"))  # it insists on a password
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=database, dataset_name="public")
    resource = dlt.resource(rows(path), name="made", columns=COLUMNS, write_disposition="append")
    pipeline.run(resource, loader_file_format=form).raise_on_failed_jobs()


if __name__ == "__main__":
    main(*sys.argv[1:])
