"""Where the records of a CSV block end, exactly as the parser sees it: a quote counts only at the start of a field."""

from __future__ import annotations

import re
from collections import deque
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
        """Finds what hides line breaks and delimiters: quoted parts (group 1; group 2 is their end) and escapes."""
        escape = b"" if self.escape is None else re.escape(self.escape)
        alternatives = [escape + b"."] if escape else []
        if self.quote is not None:
            quote = re.escape(self.quote)
            breaks = b"\\r\\n" if self.plain else b""
            inner = b"[^" + quote + escape + breaks + b"]+|" + quote + quote + (b"|" + escape + b"." if escape else b"")
            before = b"(?:\\A|[" + re.escape(self.delimiter) + b"\\r\\n])"
            alternatives.append(before + b"(" + quote + b"(?:" + inner + b")*+(" + quote + b"?))")
        return re.compile(b"|".join(alternatives), re.DOTALL)

    def opens_quote(self, line: bytes) -> bool:
        """Whether a line ends inside quotes; for few bytes much faster than a `CsvScan`."""
        if self.quote is None or self.quote not in line:
            return False
        last = deque(self.hidden.finditer(line), maxlen=1)
        return bool(last) and last[0].end() == len(line) and last[0].start(1) >= 0 and not last[0].group(2)


class CsvScan:
    """The structure of bytes that start at a record's start.

    Args:
        data: The bytes.
        dialect: How they are written.
        final: Whether nothing follows them.
    """

    def __init__(self, data: bytes, dialect: Dialect, *, final: bool = True) -> None:
        self._data = data
        self._bytes = np.frombuffer(data, np.uint8)
        self._dialect = dialect
        self._final = final
        self._unclosed: list[int] = []
        self._starts, self._ends = self._hidden_parts()

    @property
    def open(self) -> bool:
        """Whether the bytes end inside quotes."""
        return bool(self._unclosed) and int(self._ends[-1]) == len(self._data)

    @cached_property
    def ends(self) -> Places:
        """The places behind every record, in order; of a last record without line break only where `final`."""
        breaks = self._line_breaks()
        found = (breaks if self._dialect.plain else breaks[self._visible(breaks)]) + 1
        size = len(self._data)
        if self._final and size and (not len(found) or found[-1] != size):
            found = np.append(found, size)
        return found

    def records(self) -> tuple[Places, Places]:
        """Starts and ends of all records; empty lines are none."""
        ends = self.ends
        starts = np.concatenate(([0], ends[:-1])).astype(np.int64) if len(ends) else ends
        first = self._bytes[starts]
        filled = (first != _NEWLINE) & (first != _RETURN)
        return starts[filled], ends[filled]

    def field_counts(self, starts: Places, ends: Places) -> Places:
        """Number of fields of each record; 0 where a quote is not closed."""
        delimiters = np.flatnonzero(self._bytes == self._dialect.delimiter[0])
        delimiters = delimiters[self._visible(delimiters)]
        counts = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
        if self._unclosed:
            counts[np.searchsorted(ends, self._unclosed, side="right")] = 0
        return counts

    def _line_breaks(self) -> Places:
        """Places of the last byte of each line break; a carriage return alone is one too."""
        breaks = np.flatnonzero(self._bytes == _NEWLINE)
        if b"\r" not in self._data:
            return breaks
        returns = np.flatnonzero(self._bytes == _RETURN)
        if returns[-1] == len(self._data) - 1 and not self._final:
            returns = returns[:-1]  # a line feed may follow
        following = np.append(self._bytes, 0)[returns + 1]
        return np.union1d(breaks, returns[following != _NEWLINE])

    def _visible(self, places: Places) -> Places:
        """Which of the places are neither inside quotes nor escaped."""
        if not len(self._starts):
            return np.ones(len(places), bool)
        part = np.searchsorted(self._starts, places, side="right") - 1
        return (part < 0) | (places >= self._ends[part])

    def _hidden_parts(self) -> tuple[Places, Places]:
        quote, escape = self._dialect.quote, self._dialect.escape
        if not (quote is not None and quote in self._data) and not (escape is not None and escape in self._data):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        parts = None if self._dialect.plain or escape is not None or quote is None else self._paired(quote[0])
        return self._search() if parts is None else parts

    def _paired(self, quote: int) -> tuple[Places, Places] | None:
        """Quoted parts by counting quotes; None where a quote stands inside an unquoted field."""
        quotes = np.flatnonzero(self._bytes == quote)
        opening, closing = quotes[0::2], quotes[1::2]
        limits = np.zeros(256, bool)
        limits[[self._dialect.delimiter[0], _NEWLINE, _RETURN, quote]] = True
        before = limits[self._bytes[np.maximum(opening - 1, 0)]] | (opening == 0)
        behind = limits[self._bytes[np.minimum(closing + 1, len(self._data) - 1)]]
        if not (before.all() and behind.all()):
            return None
        if len(opening) > len(closing):
            self._unclosed = [int(opening[-1])]
            return opening, np.append(closing + 1, len(self._data))
        return opening, closing + 1

    def _search(self) -> tuple[Places, Places]:
        starts: list[int] = []
        ends: list[int] = []
        for match in self._dialect.hidden.finditer(self._data):
            quoted = match.start(1) if match.re.groups else -1
            starts.append(match.start() if quoted < 0 else quoted)
            ends.append(match.end())
            if quoted >= 0 and not match.group(2):
                self._unclosed.append(quoted)
        return np.array(starts, np.int64), np.array(ends, np.int64)


class CsvCutter:
    """Cuts CSV at record ends: quickly and unproven where it can, exactly where it has to.

    Args:
        dialect: How the file is written.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._exact_blocks = 0

    def be_exact(self, blocks: int = 32) -> None:
        """Don't guess for the next blocks: a guess was wrong."""
        self._exact_blocks = blocks

    def last_end(self, data: bytes) -> tuple[int, bool]:
        """End of the last whole record, and whether it is certain; see `proven`."""
        line = _last_line_end(data)
        if self._dialect.plain or not line:
            return line, True
        if self._exact_blocks or self._dialect.escape is not None:
            self._exact_blocks = max(self._exact_blocks - 1, 0)
            return self._scan(data), True
        return line, self._dialect.quote is None or self._dialect.quote not in data

    def first_end(self, data: bytes, minimum: int) -> int:
        """End of the first record that ends at `minimum` or later; 0: none."""
        ends = CsvScan(data, self._dialect, final=False).ends
        later = ends[ends >= minimum]
        return int(later[0]) if len(later) else 0

    def closed(self, rest: bytes) -> bool:
        """Whether a last record without line break has all its quotes closed."""
        return self._dialect.plain or not CsvScan(rest, self._dialect).open

    def _scan(self, data: bytes) -> int:
        ends = CsvScan(data, self._dialect, final=False).ends
        return int(ends[-1]) if len(ends) else 0


def proven(data: bytes, rows: int, breaks: int, dialect: Dialect, *, terminated: bool = True) -> bool:
    """Whether every line of a block was a record by the parser's own account, so that its end is a record's end.

    A line break inside quotes and an empty line make fewer records than lines; only a carriage return alone could make
    more, so there must be none. The parser takes the end of the data for the end of a quote that is still open, so the
    last line is looked at closely.
    """
    if rows != breaks + (not terminated) or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return False
    return not dialect.opens_quote(data[data.rfind(b"\n", 0, len(data) - 1) + 1 :])


def _last_line_end(data: bytes) -> int:
    """Behind the last line break; a carriage return is one only where there is no line feed at all."""
    line = data.rfind(b"\n") + 1
    return line or data.rfind(b"\r", 0, len(data) - 1) + 1


__all__ = ["CsvCutter", "CsvScan", "Dialect", "proven"]
