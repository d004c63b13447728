"""Finding the columns that a transform names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from active_data_flow.core.errors import TransformError


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
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known) or 'none'}"
    return f"there is no column {name!r}; {hint}"


__all__ = ["no_such_column", "require_columns"]
