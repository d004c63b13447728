"""A file, or a part of one, as a unit of reading work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from active_data_flow.source_support import SplitSerializer


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file, or what was added to it, was divided; the same splits can be made of it again.

    Attributes:
        start: Where the first split starts: a byte, or a row group of Parquet.
        end: Where the file ended then.
        step: Length of a split.
    """

    start: int
    end: int
    step: int


@dataclass(frozen=True, slots=True)
class FileSplit:
    """A file, or the records that start in a range of it.

    Attributes:
        path: The file.
        start: Where the range starts: a byte, or a row group of Parquet.
        end: Where it ends; None: where the file ends, so that it goes on when the file grows.
        size: Bytes of the file when it was last looked at.
        mtime_ns: Time of its last change then.
        generation: 1, or higher where the file was rewritten and is read again as a new one.
        plan: How the file was divided; None: not at all.
        types: Names and types of the source's columns, the same for all its splits.
    """

    path: str
    start: int = 0
    end: int | None = None
    size: int = 0
    mtime_ns: int = 0
    generation: int = 1
    plan: Plan | None = None
    types: tuple[tuple[str, str], ...] = ()

    @property
    def split_id(self) -> str:
        """The path; with the range where it is one, and the generation from the second one on."""
        generation = f"@{self.generation}" if self.generation > 1 else ""
        if self.plan is None:
            return self.path + generation
        return f"{self.path}{generation}#{self.start}-{'' if self.end is None else self.end}"

    @property
    def limit(self) -> int:
        """Records that start here or behind it are not this split's, as far as is known of the file."""
        return self.size if self.end is None else self.end

    def siblings(self) -> Iterator[FileSplit]:
        """All splits of the same plan, this one among them; the last one goes on to the end of the file."""
        if self.plan is None:
            yield self
            return
        starts = range(self.plan.start, self.plan.end, self.plan.step)
        for start in starts:
            yield replace(self, start=start, end=None if start == starts[-1] else start + self.plan.step)


def to_json(split: FileSplit) -> Mapping[str, Any]:
    """The split as a JSON-safe mapping; what has its default is left out."""
    value = {name: item for name, default in _DEFAULTS.items() if (item := getattr(split, name)) != default}
    if split.plan is not None:
        value["plan"] = asdict(split.plan)
    if split.types:
        value["types"] = dict(split.types)
    return value


_DEFAULTS = {field.name: field.default for field in fields(FileSplit)}


def from_json(value: Mapping[str, Any]) -> FileSplit:
    """The split that `to_json` wrote."""
    given = dict(value)
    if given.get("plan") is not None:
        given["plan"] = Plan(**given["plan"])
    given["types"] = tuple((str(name), str(text)) for name, text in given.get("types", {}).items())
    return FileSplit(**given)


SERIALIZER: SplitSerializer[FileSplit] = SplitSerializer(to_json, from_json)

__all__ = ["SERIALIZER", "FileSplit", "Plan", "from_json", "to_json"]
