"""A JSON array to Arrow by DuckDB, typed, as a stream: python -m benchmarks.references.duckdb_json PATH."""

import sys

import duckdb

from benchmarks.schema import SQL_COLUMNS
from benchmarks.taking import take

relation = duckdb.sql(
    "from read_json($path, format = 'array', columns = $columns)", params={"path": sys.argv[1], "columns": SQL_COLUMNS}
)
take(relation.to_arrow_reader(65_536))
