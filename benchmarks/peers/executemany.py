"""Rows through the DB API's executemany: python -m benchmarks.peers.executemany insert|upsert URL CSV."""

import sqlite3
import sys
from contextlib import closing

import psycopg

from benchmarks.peers.rows import in_parts, read_rows
from benchmarks.schema import NAMES

UPDATES = ", ".join(f"{name} = excluded.{name}" for name in NAMES if name != "id")


def into_sqlite(path: str, source: str) -> None:
    """Insert; decimals and times as text, as SQLite has neither."""
    sql = f"insert into made values ({', '.join('?' * len(NAMES))})"
    with closing(sqlite3.connect(path)) as connection:
        for rows in in_parts(read_rows(source)):
            connection.executemany(sql, [[_plain(value) for value in row] for row in rows])
        connection.commit()


def into_postgresql(url: str, source: str) -> None:
    """Insert, or update where the key is known."""
    sql = f"insert into made values ({', '.join(['%s'] * len(NAMES))}) on conflict (id) do update set {UPDATES}"
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for rows in in_parts(read_rows(source)):
            cursor.executemany(sql, rows)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str | None) else str(value)


def main(way: str, url: str, source: str) -> None:
    """Load."""
    if way == "insert":
        into_sqlite(url.removeprefix("sqlite:///"), source)
    else:
        into_postgresql(url, source)


main(*sys.argv[1:])
