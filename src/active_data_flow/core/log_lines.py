"""Log lines as text: for people at a terminal, for ``grep``, and for programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

Rendering = Literal["console", "json", "keyvalue"]
_QUOTED = re.compile(r'[\s="]|^$')
_COLOURS = {"debug": 2, "info": 32, "warning": 33, "error": 31}
_DIM, _BOLD, _CYAN, _MAGENTA = 2, 1, 36, 35


def _as_json(line: Mapping[str, Any]) -> str:
    return json.dumps(line, default=str, ensure_ascii=False)


def _as_keyvalue(line: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={_word(value)}" for name, value in line.items())


def _as_console(line: Mapping[str, Any]) -> str:
    level = str(line["level"])
    shown = [
        _coloured(str(line["timestamp"])[11:19], _DIM),
        f"[{_coloured(f'{level:<9}', _COLOURS[level])}]",
        _coloured(str(line["event"]), _BOLD),
    ]
    rest = {name: value for name, value in line.items() if name not in ("timestamp", "level", "event", "exception")}
    shown += [f"{_coloured(name, _CYAN)}={_coloured(_word(value), _MAGENTA)}" for name, value in rest.items()]
    return " ".join(shown) + (f"\n{line['exception']}" if "exception" in line else "")


def _word(value: Any) -> str:
    """A value in logfmt: quoted where it would not be one word."""
    text = str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else repr(value)
    return json.dumps(text, ensure_ascii=False) if _QUOTED.search(text) else text


def _coloured(text: str, colour: int) -> str:
    return text if os.environ.get("NO_COLOR") else f"\x1b[{colour}m{text}\x1b[0m"


RENDERINGS: Mapping[Rendering, Callable[[Mapping[str, Any]], str]] = {
    "console": _as_console,
    "json": _as_json,
    "keyvalue": _as_keyvalue,
}

__all__ = ["RENDERINGS", "Rendering"]
