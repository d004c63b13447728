"""Where the elements of a JSON array end."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_BLANK = b" \t\r\n"
_TAIL = 2**16
_DEPTH = np.zeros(256, np.int64)
_DEPTH[[ord("["), ord("{")]] = 1
_DEPTH[[ord("]"), ord("}")]] = -1
_STRUCTURE = _DEPTH != 0
_STRUCTURE[ord(",")] = True


class Elements(NamedTuple):
    """The structure of text that starts at an element's start.

    Attributes:
        commas: Places of the commas between elements.
        end: Place of the bracket that closes the array; None: it is not in the text.
    """

    commas: Any
    end: int | None


def scan_elements(data: bytes) -> Elements:
    """Find the ends of all elements, whatever brackets and commas their texts hold."""
    array = np.frombuffer(data, np.uint8)
    places = np.flatnonzero(_STRUCTURE[array])
    quotes = _quotes(data, array)
    if len(quotes):
        places = places[np.searchsorted(quotes, places) % 2 == 0]
    signs = array[places]
    depth = np.cumsum(_DEPTH[signs])
    closing = np.flatnonzero(depth < 0)
    end = int(places[closing[0]]) if len(closing) else None
    commas = places[(signs == ord(",")) & (depth == 0)]
    return Elements(commas if end is None else commas[commas < end], end)


def guess_end(data: bytes, *, ended: bool) -> int:
    """Where an element probably ends, as near to the end of the text as possible; 0: nowhere."""
    if ended:
        bare = data.rstrip(_BLANK)
        last = bare[:-1].rstrip(_BLANK)
        return len(last) if bare.endswith(b"]") and last.endswith(b"}") else 0
    first = max(len(data) - _TAIL, 0)
    last = None
    for last in _BETWEEN.finditer(data, first):  # noqa: B007  # the last match is what is wanted
        pass
    return 0 if last is None else last.start() + 1


def _quotes(data: bytes, array: Any) -> Any:
    """Places of the quotes that open and close texts: those with an even number of backslashes before them."""
    quotes = np.flatnonzero(array == ord('"'))
    if b"\\" not in data or not len(quotes):
        return quotes
    others = np.where(array != ord("\\"), np.arange(len(array)), -1)
    before = np.concatenate(([-1], np.maximum.accumulate(others)[:-1]))
    return quotes[(quotes - 1 - before[quotes]) % 2 == 0]


__all__ = ["Elements", "guess_end", "scan_elements"]
