"""CSV into PostgreSQL by psycopg's COPY: python -m benchmarks.peers.psycopg_copy URL CSV."""

import sys

import psycopg

with (
    psycopg.connect(sys.argv[1]) as connection,
    connection.cursor() as cursor,
    open(sys.argv[2], "rb") as file,  # noqa: PTH123  # as short as it gets: this is timed
    cursor.copy("copy made from stdin (format csv, header true)") as copy,
):
    while block := file.read(1 << 20):
        copy.write(block)
