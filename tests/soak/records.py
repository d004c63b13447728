"""What the soak's records are: every value follows from the id, so that a database can tell by itself what is right."""

from __future__ import annotations

FILE_ROWS = 200_000
"""Records of a full file; file n has the ids from n times this on."""

SPOILED = "id % 50021 = 13"
"""Records that the feed writes with an amount that is no number; they have to be rejected."""

COLUMNS = {
    "digest": "md5(CAST(id AS varchar))",
    "amount": "CAST(((id * 31) % 99991) * 0.01 AS decimal(12, 2))",
    "score": "(id % 1000003) / CAST(8 AS double precision)",
    "moment": "TIMESTAMP '2026-01-01 00:00:00' + (id % 86400) * INTERVAL '1 second'",
    "note": """CASE WHEN id % 7 > 0 THEN 'näme "' || id || '", of' || chr(10) || id % 1000 END""",
}
"""Columns beside the id, as expressions that PostgreSQL and DuckDB understand alike."""

TYPES = {
    "id": "int64",
    "digest": "string",
    "amount": "decimal(12,2)",
    "score": "float64",
    "moment": "timestamp[us]",
    "note": "string?",
}

TABLE = (
    "id bigint, digest text, amount numeric(12, 2), score double precision, moment timestamp, note text, "
    "twice numeric(24, 2)"
)
"""The columns of the table in PostgreSQL."""

DOUBLED = "amount * 2"
"""What the flow's own transform adds, as ``twice``."""

WRONG = " OR ".join(
    f"{name} IS DISTINCT FROM {expression}"
    for name, expression in (COLUMNS | {"twice": f"({COLUMNS['amount']}) * 2"}).items()
)
"""Condition of records whose values don't follow from their id."""


def csv_query(first: int, end: int) -> str:
    """DuckDB's query for the records of some ids, as they stand in the file."""
    amount = f"CASE WHEN {SPOILED} THEN 'spoiled' ELSE CAST({COLUMNS['amount']} AS varchar) END"
    columns = COLUMNS | {"amount": amount, "moment": f"CAST({COLUMNS['moment']} AS varchar)"}
    chosen = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    return f"SELECT id, {chosen} FROM (SELECT unnest(range({first}, {end})) AS id)"


def spoiled(first: int, end: int) -> int:
    """How many of the ids from `first` to before `end` are spoiled."""
    return (end - 14) // 50021 - (first - 14) // 50021


__all__ = ["COLUMNS", "DOUBLED", "FILE_ROWS", "SPOILED", "TABLE", "TYPES", "WRONG", "csv_query", "spoiled"]
