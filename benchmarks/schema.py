"""The columns of the made table, as a flow's schema has them."""

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
