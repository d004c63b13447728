"""What an error about an unknown name ends with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

_MOST = 30


def near_names(name: str, known: Iterable[str], *, others: bool = True) -> str:
    """``; did you mean …`` with the nearest of the known names, else ``; there are …`` with all of them.

    Args:
        name: The name that was given.
        known: The names that there are; the first thirty are told in their order, those of a set sorted.
        others: Whether names that are not near are worth telling.

    Example:
        >>> near_names("prcie", ["price", "sku"])
        '; did you mean price?'
        >>> near_names("zzz", ["price", "sku"])
        '; there are price, sku'
    """
    names = sorted(known) if isinstance(known, AbstractSet) else list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    if not others:
        return ""
    more = " …" if len(names) > _MOST else ""
    return f"; there are {', '.join(names[:_MOST])}{more}" if names else "; there are none"


__all__ = ["near_names"]
