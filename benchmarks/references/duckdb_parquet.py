"""CSV to Parquet by DuckDB's COPY, typed: python -m benchmarks.references.duckdb_parquet CSV PARQUET."""

import sys

import duckdb

from benchmarks.schema import SQL_COLUMNS

duckdb.execute(
    "copy (from read_csv($source, header = true, columns = $columns)) to $target (format parquet, compression snappy)",
    {"source": sys.argv[1], "columns": SQL_COLUMNS, "target": sys.argv[2]},
)
