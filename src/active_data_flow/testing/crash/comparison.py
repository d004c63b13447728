"""Compares what a sink has with what the source had, record by record."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_SHOWN = 3

Record = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How what is in the sink differs from what should be there.

    Attributes:
        missing: Records that are not there.
        doubled: Records that are there too often.
        changed: Pairs of a record that should be there and the one with the same key (first value) that is.
        strange: Records that nobody has sent.
    """

    missing: list[Record]
    doubled: list[Record]
    changed: list[tuple[Record, Record]]
    strange: list[Record]

    @property
    def exact(self) -> bool:
        """Whether each record is there once, as it was."""
        return self.complete and not self.doubled

    @property
    def complete(self) -> bool:
        """Whether each record is there, as it was, and nothing else; some may be doubled."""
        return not (self.missing or self.changed or self.strange)

    def __str__(self) -> str:
        """Counts, and the first few of each kind."""
        kinds: Mapping[str, list[Any]] = {
            "missing": self.missing,
            "doubled": self.doubled,
            "changed": [f"{was} became {now}" for was, now in self.changed],
            "that nobody sent": self.strange,
        }
        lines = [f"{len(found)} {kind}: {_first(found)}" for kind, found in kinds.items() if found]
        return "; ".join(lines) or "all records are there once"


def compare(expected: Iterable[Iterable[Any]], found: Iterable[Iterable[Any]]) -> Comparison:
    """Compare records, which are rows of values that can be hashed; order does not matter.

    Args:
        expected: What the source had.
        found: What the sink has.

    Example:
        >>> str(compare([(1, "a"), (2, "b"), (3, "c")], [(1, "a"), (1, "a"), (3, "x")]))
        "1 missing: (2, 'b'); 1 doubled: (1, 'a'); 1 changed: (3, 'c') became (3, 'x')"
    """
    wanted, there = Counter(map(tuple, expected)), Counter(map(tuple, found))
    doubled = [record for record in (there - wanted).elements() if record in wanted]
    strange = [record for record in (there - wanted).elements() if record not in wanted]
    changed, missing, strange = _paired(list((wanted - there).elements()), strange)
    return Comparison(missing, doubled, changed, strange)


def _paired(missing: list[Record], strange: list[Record]) -> tuple[list[tuple[Record, Record]], list[Any], list[Any]]:
    """Take records of the same key for one that was changed."""
    by_key: defaultdict[Hashable, list[Record]] = defaultdict(list)
    for record in strange:
        by_key[record[0]].append(record)
    changed = [(record, by_key[record[0]].pop()) for record in missing if by_key.get(record[0])]
    gone = Counter(record for record, _ in changed)
    return changed, list((Counter(missing) - gone).elements()), [one for rest in by_key.values() for one in rest]


def _first(found: list[Any]) -> str:
    shown = ", ".join(map(str, found[:_SHOWN]))
    return f"{shown}, …" if len(found) > _SHOWN else shown


__all__ = ["Comparison", "Record", "compare"]
