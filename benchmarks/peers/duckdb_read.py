"""CSV or JSON lines to Arrow by DuckDB, typed, as a stream: python -m benchmarks.peers.duckdb_read PATH."""

import sys

import duckdb

from benchmarks.schema import SQL_COLUMNS
from benchmarks.taking import take

way = "read_csv($path, header = true," if sys.argv[1].endswith(".csv") else "read_json($path, format = 'nd',"
relation = duckdb.sql(f"from {way} columns = $columns)", params={"path": sys.argv[1], "columns": SQL_COLUMNS})
take(relation.to_arrow_reader(65_536))
