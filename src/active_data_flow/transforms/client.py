"""SQL on one batch, by DuckDB inside this process; it sees the batch and nothing else of the machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from active_data_flow.core.errors import TransformError
from active_data_flow.transforms.columns import no_such_column

_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "threads": "1",
}
_NO_IDLE_THREADS = {"async_threads": "0"}
"""From version 2 on each DuckDB has threads for files, which it sees none of; older ones don't know the option."""
_UNKNOWN_COLUMN = re.compile(r'(?:Referenced column|Table "batch" does not have a column named|column named) "([^"]+)"')
_ROW_WISE = frozenset(("PROJECTION", "FILTER", "UNNEST"))


class ValueFailure(Exception):  # noqa: N818  # no error of the flow: says that a value of some row is at fault
    """A statement failed on a value, as it could on one row and not on others."""


class Session:
    """A DuckDB of its own, in memory, without access to files, network, extensions or Python's variables.

    Args:
        transform: Name of the transform, for errors.
        text: The SQL that the user wrote, for errors.

    Raises:
        TransformError: From any method: the statement itself is wrong; names it, and what to do.
        ValueFailure: From `query`: it failed on a value.
    """

    def __init__(self, transform: str, text: str) -> None:
        import duckdb

        self._duckdb = duckdb
        self._transform = transform
        self._text = text
        idle = _NO_IDLE_THREADS if int(duckdb.__version__.partition(".")[0]) > 1 else {}
        self._connection = duckdb.connect(":memory:", config=_SEALED | idle)
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET lock_configuration = true")

    def check(self, sql: str) -> None:
        """See to it that `sql` is one SELECT statement; columns are not looked at."""
        try:
            statements = self._connection.extract_statements(sql)
        except self._duckdb.Error as error:
            raise self._statement_error(error) from error
        if len(statements) != 1 or "SELECT" not in str(statements[0].type):
            raise TransformError(f"{self._transform}: one SELECT statement on batch is expected (given: {self._text})")

    def query(self, data: pa.RecordBatch, sql: str) -> pa.Table:
        """The result of a statement on rows, which it knows as the table ``batch``."""
        self._connection.register("batch", pa.Table.from_batches([data]))
        try:
            return self._connection.sql(sql).to_arrow_table()
        except (self._duckdb.DataError, self._duckdb.InvalidInputException) as error:
            if data.num_rows and self._works_on_nothing(data, sql):
                raise ValueFailure(_first_line(error)) from error
            raise self._statement_error(error, data) from error
        except (self._duckdb.Error, pa.ArrowException) as error:
            raise self._statement_error(error, data) from error

    def is_row_wise(self, data: pa.RecordBatch, sql: str) -> bool:
        """Whether the plan looks at one row at a time: it scans the batch once, projects, filters and unnests."""
        explain = f"EXPLAIN (FORMAT JSON) {sql}"
        self._connection.register("batch", pa.Table.from_batches([data]))
        try:
            rows = self._connection.sql(explain).fetchall()
        except self._duckdb.Error as error:
            raise self._statement_error(error, data) from error
        operators = [name for plan in json.loads(rows[0][1]) for name in _operators(plan)]
        scans = [name for name in operators if name.endswith("SCAN")]
        return len(scans) == 1 and scans[0].endswith("ARROW_SCAN") and {*operators} - {*scans} <= _ROW_WISE

    def close(self) -> None:
        """Let go of everything; may be called twice."""
        self._connection.close()

    def _works_on_nothing(self, data: pa.RecordBatch, sql: str) -> bool:
        """Whether the statement is fine without rows; if not, no row is to blame."""
        self._connection.register("batch", pa.Table.from_batches([data.slice(0, 0)]))
        try:
            self._connection.sql(sql).to_arrow_table()
        except self._duckdb.Error:
            return False
        return True

    def _statement_error(self, error: Exception, data: pa.RecordBatch | None = None) -> TransformError:
        reason = _first_line(error)
        unknown = _UNKNOWN_COLUMN.search(str(error))
        if unknown is not None and data is not None and unknown.group(1) not in data.schema.names:
            reason = no_such_column(unknown.group(1), data.schema.names)
        elif isinstance(error, self._duckdb.PermissionException):
            reason += " (a transform sees the table batch and nothing else)"
        elif isinstance(error, self._duckdb.CatalogException):
            reason = f"{reason.split(' Did you mean')[0]} (the rows are in the table batch)"
        return TransformError(f"{self._transform}: {reason}; in: {self._text}")


def _operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["name"].strip()
    for child in plan.get("children", []):
        yield from _operators(child)


def _first_line(error: Exception) -> str:
    """What DuckDB says, without the quotation of the statement."""
    return " ".join(str(error).split("\n\nLINE")[0].split())


__all__ = ["Session", "ValueFailure"]
