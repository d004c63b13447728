"""The columns of the made table with their Arrow types; apart, so that a timed program loads no more than it needs."""

import pyarrow as pa

COLUMNS = {
    "id": pa.int64(),
    "uid": pa.string(),
    "email": pa.string(),
    "created_at": pa.timestamp("us"),
    "day": pa.date32(),
    "amount": pa.decimal128(12, 2),
    "score": pa.float64(),
    "active": pa.bool_(),
    "country": pa.string(),
    "note": pa.string(),
    "meta": pa.string(),
    "status": pa.int64(),
}
