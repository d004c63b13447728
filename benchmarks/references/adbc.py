"""Bare ADBC, by its low-level interface.

python -m benchmarks.references.adbc ingest URL CSV | upsert URL CSV | read URL TABLE
"""

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import adbc_driver_manager as adbc
import pyarrow as pa

from benchmarks.columns import COLUMNS
from benchmarks.references.open_csv import open_csv
from benchmarks.schema import NAMES
from benchmarks.taking import take


@contextmanager
def connect(url: str) -> Generator[adbc.AdbcConnection]:
    """A connection in a transaction that is committed at the end."""
    driver = import_module(f"adbc_driver_{'sqlite' if url.startswith('sqlite:') else 'postgresql'}")._driver_path()
    with (
        adbc.AdbcDatabase(driver=driver, uri=url.removeprefix("sqlite:///")) as database,
        adbc.AdbcConnection(database) as connection,
    ):
        connection.set_autocommit(False)
        yield connection
        connection.commit()


def execute(connection: adbc.AdbcConnection, sql: str) -> None:
    """Run a statement."""
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(sql)
        statement.execute_update()


def load(connection: adbc.AdbcConnection, table: str, batches: Any, **options: str) -> None:
    """Append a stream of batches to a table."""
    with adbc.AdbcStatement(connection) as statement:
        mode = {"adbc.ingest.target_table": table, "adbc.ingest.mode": "adbc.ingest.mode.append"}
        statement.set_options(**mode | options)
        statement.bind_stream(batches)
        statement.execute_update()


def ingest(url: str, path: str) -> None:
    """A CSV file into the table ``made``; to SQLite ADBC writes no decimals, so they come as text."""
    types = {"amount": pa.string()} if url.startswith("sqlite:") else {}
    with connect(url) as connection:
        load(connection, "made", open_csv(path, **types))


def upsert(url: str, path: str) -> None:
    """A CSV file into the table ``made`` by way of a temporary one."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in NAMES if name != "id")
    with connect(url) as connection:
        execute(connection, "create temporary table fresh (like made) on commit drop")
        load(connection, "fresh", open_csv(path), **{"adbc.ingest.temporary": "true"})
        execute(connection, f"insert into made select * from fresh on conflict (id) do update set {changed}")


def read(url: str, table: str) -> None:
    """A table to Arrow; ADBC gives numbers of base 10 as text, so they are cast."""
    with connect(url) as connection, adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(f"select * from {table}")
        handle, _ = statement.execute_query()
        take(_typed(pa.RecordBatchReader._import_from_c(handle.address)))


def _typed(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    schema = pa.schema(COLUMNS)
    for batch in reader:
        amount = batch.schema.get_field_index("amount")
        text = batch.column(amount)
        text = text.storage if isinstance(text, pa.ExtensionArray) else text
        yield batch.set_column(amount, "amount", text.cast(COLUMNS["amount"])).cast(schema)


WAYS: dict[str, Callable[[str, str], None]] = {"ingest": ingest, "upsert": upsert, "read": read}

if __name__ == "__main__":
    WAYS[sys.argv[1]](*sys.argv[2:])
