"""Log lines: structured, redacted, through the standard library's loggers, so that an application keeps its say.

Every line goes through the logger ``active_data_flow`` (a flow's through ``active_data_flow.flows.<name>``) as one
rendered text. Commands and runtimes call `set_up` to show them; an application configures these loggers as any other.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

from active_data_flow.core.configuration import REDACTED, is_reference, redact_url
from active_data_flow.core.errors import ConfigurationError

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

Rendering = Literal["console", "json", "keyvalue"]
_RENDERINGS: tuple[Rendering, ...] = ("console", "json", "keyvalue")
LEVELS = ("debug", "info", "warning", "error")
"""Levels of lines, the least important first."""
_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|authorization|api_?key|private_?key|access_?key|dsn$", re.IGNORECASE
)
ROOT = "active_data_flow"

_rendering: Rendering | None = None


def set_up(rendering: str | None = None, level: str = "info", stream: TextIO | None = None) -> None:
    """Show log lines on a stream; for commands and runtimes that own their process.

    Args:
        rendering: ``console``, ``json`` or ``keyvalue``; None: the environment variable ADF_LOG, else ``console`` on
            a terminal and ``keyvalue`` elsewhere.
        level: The least important lines shown of anything; each flow has a level of its own besides.
        stream: Where to; None: standard error.

    Raises:
        ConfigurationError: Unknown rendering or level.
    """
    global _rendering  # noqa: PLW0603  # one rendering a process, like the standard library's root logger
    out = stream or sys.stderr
    chosen = rendering or os.environ.get("ADF_LOG") or ("console" if out.isatty() else "keyvalue")
    _rendering = cast("Rendering", _known("log rendering", chosen, _RENDERINGS))
    root = logging.getLogger(ROOT)
    for handler in tuple(root.handlers):
        if isinstance(handler, _Handler):
            root.removeHandler(handler)
    root.addHandler(_Handler(stream))
    root.setLevel(_number(level))
    root.propagate = False


def tear_down() -> None:
    """Undo `set_up`: lines go to the application's loggers again."""
    global _rendering  # noqa: PLW0603  # see set_up
    _rendering = None
    root = logging.getLogger(ROOT)
    for handler in tuple(root.handlers):
        if isinstance(handler, _Handler):
            root.removeHandler(handler)
    root.setLevel(logging.NOTSET)
    root.propagate = True


def get_logger(flow: str | None = None, *, level: str = "debug", **context: Any) -> FilteringBoundLogger:
    """A logger with context bound to each of its lines.

    Args:
        flow: Name of the flow; its lines go through the standard logger ``active_data_flow.flows.<flow>``.
        level: The least important lines it lets pass; a flow's `log_level`.
        **context: What stands on each line: ``run``, ``split``, ``connector`` …

    Example:
        >>> get_logger("prices", run="7f3a").info("run started", lanes=2)
    """
    import structlog

    name = ROOT if flow is None else f"{ROOT}.flows.{flow}"
    bound = {"flow": flow, **context} if flow is not None else context
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        context_class=dict,
        cache_logger_on_first_use=False,
        **bound,
    )


def context(**values: Any) -> AbstractContextManager[None]:
    """Bind values to all lines of this thread or task while it lasts, also to those of the application's structlog."""
    from structlog.contextvars import bound_contextvars

    return cast("AbstractContextManager[None]", bound_contextvars(**values))


def redact(value: Any, name: str = "") -> Any:
    """A value as it may be shown: values of secret names, and passwords in addresses, are replaced at any depth.

    What only refers to a secret, as ``env:NAME``, is shown as it is.
    """
    if value is None or (isinstance(value, str) and is_reference(value)):
        return value
    if name and _SECRET.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact_url(str(value)) if "://" in value else value
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return {key: redact(inner, str(key)) for key, inner in pairs.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner) for inner in cast("Sequence[Any]", value)]
    return value


def _redact_line(_logger: Any, _method: str, line: EventDict) -> EventDict:
    return {name: redact(value, name) for name, value in line.items()}


def _processors() -> list[Processor]:
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_line,
        _render,
    ]


def _render(logger: Any, method: str, line: EventDict) -> str:
    """Choose when the line is made, so that `set_up` also counts for loggers made before it."""
    return _RENDERERS[_rendering or "keyvalue"](logger, method, line)


def _json(logger: Any, method: str, line: EventDict) -> str:
    from structlog.processors import JSONRenderer

    return cast("str", JSONRenderer(default=str, ensure_ascii=False)(logger, method, line))


def _keyvalue(logger: Any, method: str, line: EventDict) -> str:
    from structlog.processors import LogfmtRenderer

    first = ("timestamp", "level", "event", "flow", "run")
    plain = {
        name: value if isinstance(value, str | int | float | bool) else repr(value) for name, value in line.items()
    }
    present = [name for name in first if name in plain]
    return LogfmtRenderer(key_order=present, bool_as_flag=False)(logger, method, plain)


def _console(logger: Any, method: str, line: EventDict) -> str:
    from structlog.dev import ConsoleRenderer, plain_traceback

    colors = not os.environ.get("NO_COLOR")
    line["timestamp"] = str(line.get("timestamp", ""))[11:19]
    renderer = ConsoleRenderer(colors=colors, pad_event_to=0, exception_formatter=plain_traceback)
    return renderer(logger, method, line)


_RENDERERS: Mapping[Rendering, Callable[[Any, str, EventDict], str]] = {
    "json": _json,
    "keyvalue": _keyvalue,
    "console": _console,
}


class _Handler(logging.Handler):
    """The handler of `set_up`: writes the rendered text as it is; to what is standard error at that moment."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        stream = self._stream or sys.stderr
        try:
            stream.write(record.getMessage() + "\n")
            stream.flush()
        except OSError:  # a closed terminal or pipe; a run must not fail for its log
            self.handleError(record)


def _known(what: str, name: str, known: Sequence[str]) -> str:
    if name not in known:
        raise ConfigurationError(f"unknown {what} {name!r}; there are {', '.join(known)}")
    return name


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[_known("log level", level, LEVELS).upper()]


__all__ = ["LEVELS", "ROOT", "context", "get_logger", "redact", "set_up", "tear_down"]
