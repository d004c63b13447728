"""What is done to the made table's messages, written once for all who do it; imports nothing, as it is timed."""

from __future__ import annotations

from typing import Any


def read(message: Any) -> Any:
    """Looks at two fields and drops some."""
    return message if message["id"] % 10 and message["amount"] > 1 else None


def written(message: Any) -> Any:
    """Sets a field too."""
    if message["id"] % 10 == 0:
        return None
    message["total"] = float(message["amount"]) * 1.19
    return message


JOBS = {"read": read, "written": written}
BATCH = 8_192
"""Rows that a batch has, of any contestant."""
