"""Finding the columns that a transform names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from active_data_flow.core.errors import TransformError
from active_data_flow.core.near_names import near_names


def require_columns(wanted: Iterable[str], known: Sequence[str], transform: str) -> None:
    """Make sure that all columns are there.

    Raises:
        TransformError: One is not; names near ones.
    """
    for name in wanted:
        if name not in known:
            raise TransformError(f"{transform}: {no_such_column(name, known)}")


def no_such_column(name: str, known: Sequence[str]) -> str:
    """What to say of a column that isn't there."""
    return f"there is no column {name!r}{near_names(name, known)}"


__all__ = ["no_such_column", "require_columns"]
