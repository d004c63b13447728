"""Where the records of a CSV block end, exactly as the parser sees it: a quote counts only at the start of a field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

_NEWLINE, _RETURN = 10, 13
Places = Any  # numpy's array of integers; its own type says nothing more


@dataclass(frozen=True)
class Dialect:
    """How CSV is written.

    Attributes:
        delimiter: One byte between fields.
        quote: One byte around fields, or none.
        escape: One byte that takes the meaning from the next one, or none.
        newlines_in_values: Whether quoted fields may hold line breaks.
    """

    delimiter: bytes
    quote: bytes | None
    escape: bytes | None
    newlines_in_values: bool = True

    @property
    def plain(self) -> bool:
        """Whether every line break ends a record."""
        return not self.newlines_in_values or (self.quote is None and self.escape is None)

    @cached_property
    def hidden(self) -> re.Pattern[bytes]:
        """Finds what hides line breaks and delimiters: quoted parts (group 1; group 2 is its end) and escapes."""
        alternatives: list[bytes] = []
        escape = b"" if self.escape is None else re.escape(self.escape)
        if escape:
            alternatives.append(escape + b".")
        if self.quote is not None:
            quote = re.escape(self.quote)
            inner = b"[^" + quote + escape + b"]+|" + quote + quote + (b"|" + escape + b"." if escape else b"")
            before = b"(?:\\A|[" + re.escape(self.delimiter) + b"\\r\\n])"
            alternatives.append(before + b"(" + quote + b"(?:" + inner + b")*+(" + quote + b"?))")
        return re.compile(b"|".join(alternatives), re.DOTALL)


class CsvScan:
    """The structure of bytes that start at a record's start.

    Args:
        data: The bytes.
        dialect: How they are written.
        final: Whether nothing follows them.
    """

    def __init__(self, data: bytes, dialect: Dialect, *, final: bool = True) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, np.uint8)
        self._dialect = dialect
        self._final = final
        self.open = False
        """Whether they end inside quotes."""
        self._starts, self._ends = self._hidden_parts()

    @cached_property
    def ends(self) -> Places:
        """The places behind every record, in order; of a last record without line break only where `final`."""
        size = len(self.data)
        found = self._visible(self._line_ends())
        if self._final and size and (not len(found) or found[-1] != size) and not self.open:
            found = np.append(found, size)
        return found

    def records(self) -> tuple[Places, Places]:
        """Starts and ends of all records; empty lines are none."""
        ends = self.ends
        starts = np.concatenate(([0], ends[:-1])).astype(np.int64)
        first = self._bytes[starts]
        filled = ~((first == _NEWLINE) | ((first == _RETURN) & (ends - starts <= 2)))
        return starts[filled], ends[filled]

    def field_counts(self, starts: Places, ends: Places) -> Places:
        """Number of fields of each record."""
        delimiters = self._visible(np.flatnonzero(self._bytes == self._dialect.delimiter[0]))
        return np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1

    def _line_ends(self) -> Places:
        ends = np.flatnonzero(self._bytes == _NEWLINE) + 1
        if b"\r" not in self.data:
            return ends
        returns = np.flatnonzero(self._bytes == _RETURN)
        if len(returns) and returns[-1] == len(self.data) - 1 and not self._final:
            returns = returns[:-1]  # a line feed may follow
        following = np.append(self._bytes, 0)[returns + 1]
        return np.union1d(ends, returns[following != _NEWLINE] + 1)

    def _visible(self, places: Places) -> Places:
        """Those of the places (of a byte, or behind one) that are not inside quotes and not escaped."""
        if not len(self._starts):
            return places
        part = np.searchsorted(self._starts, places, side="left") - 1
        return places[(part < 0) | (places >= self._ends[part] + _behind(places, self._ends[part]))]

    def _hidden_parts(self) -> tuple[Places, Places]:
        nothing = np.empty(0, np.int64)
        if self._dialect.plain and not self._has_hidden():
            return nothing, nothing
        if not self._has_hidden():
            return nothing, nothing
        parts = self._paired_quotes()
        return self._search() if parts is None else parts

    def _has_hidden(self) -> bool:
        quote, escape = self._dialect.quote, self._dialect.escape
        return (quote is not None and quote in self.data) or (escape is not None and escape in self.data)

    def _paired_quotes(self) -> tuple[Places, Places] | None:
        """Quoted parts by counting quotes; None where a quote stands inside an unquoted field."""
        if self._dialect.quote is None or self._dialect.escape is not None:
            return None
        quote = self._dialect.quote[0]
        quotes = np.flatnonzero(self._bytes == quote)
        opening, closing = quotes[0::2], quotes[1::2]
        limits = np.zeros(256, bool)
        limits[[self._dialect.delimiter[0], _NEWLINE, _RETURN, quote]] = True
        before = limits[self._bytes[np.maximum(opening - 1, 0)]] | (opening == 0)
        behind = limits[self._bytes[np.minimum(closing + 1, len(self.data) - 1)]]
        if not (before.all() and behind.all()):
            return None
        self.open = len(opening) > len(closing)
        return opening, np.append(closing + 1, len(self.data)) if self.open else closing + 1

    def _search(self) -> tuple[Places, Places]:
        starts: list[int] = []
        ends: list[int] = []
        for match in self._dialect.hidden.finditer(self.data):
            quoted = match.start(1) if match.re.groups else -1
            starts.append(match.start() if quoted < 0 else quoted)
            ends.append(match.end())
            self.open = quoted >= 0 and not match.group(2)
        return np.array(starts, np.int64), np.array(ends, np.int64)


__all__ = ["CsvScan", "Dialect"]
