"""The flow that is soaked."""

from __future__ import annotations

from typing import Any

from soak.records import DOUBLED, TYPES


def document(url: str) -> dict[str, Any]:
    """Growing CSV files into a table of the database at `url` and into Parquet parts, in three lanes each."""
    return {
        "name": "soak",
        "source": {"type": "file", "path": "in/*.csv", "follow": True, "poll_interval": 0.5, "schema": TYPES},
        "transforms": [
            {"type": "filter", "where": "id >= 0"},
            {"type": "sql", "query": f"SELECT *, {DOUBLED} AS twice FROM batch"},
        ],
        "sinks": {
            "database": {"type": "sql", "url": url, "table": "records"},
            "parts": {"type": "file", "path": "parts/", "format": "parquet"},
        },
        "parallelism": 3,
        "on_error": {"reject": True},
        "checkpoint": {"every": 2},
        "retry": {"attempts": 12, "max_backoff": 5},
    }


__all__ = ["document"]
