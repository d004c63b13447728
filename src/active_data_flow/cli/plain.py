"""Output that needs no terminal: numbers as people read them, JSON for programs."""

from __future__ import annotations

import json
from typing import Any


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """JSON on standard output."""
    print(json.dumps(value, indent=indent, ensure_ascii=False, default=str))


def count(number: float) -> str:
    """A number as people read it: ``336,776``."""
    return f"{number:,.0f}"


def size(number: float) -> str:
    """Bytes as people read them: ``31.4 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """A time as people read it: ``0.42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


__all__ = ["count", "duration", "print_json", "size"]
