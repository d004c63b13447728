"""The columns of the made table, as a flow's schema and as SQL have them; imports nothing, as it is timed."""

SCHEMA_OPTIONS = {
    "id": "int64",
    "uid": "string",
    "email": "string",
    "created_at": "timestamp[us]",
    "day": "date",
    "amount": "decimal(12,2)",
    "score": "float64",
    "active": "bool",
    "country": "string",
    "note": "string",
    "meta": "string",
    "status": "int64",
}
NULLABLE = {name: f"{kind}?" for name, kind in SCHEMA_OPTIONS.items()}
"""The schema with which flows read: any field may be empty."""

SQL_TYPES = {
    "int64": "bigint",
    "timestamp[us]": "timestamp",
    "decimal(12,2)": "numeric(12,2)",
    "float64": "double precision",
    "bool": "boolean",
    "string": "text",
    "date": "date",
}
SQL_COLUMNS = {name: SQL_TYPES[kind] for name, kind in SCHEMA_OPTIONS.items()}
NAMES = tuple(SCHEMA_OPTIONS)


def create(table: str = "made", key: str = "") -> str:
    """DDL of the made table, as PostgreSQL, SQLite and DuckDB take it."""
    columns = ", ".join(f"{name} {kind}{' primary key' if name == key else ''}" for name, kind in SQL_COLUMNS.items())
    return f"create table {table} ({columns})"
