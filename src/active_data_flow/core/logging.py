"""Log lines: structured, redacted, through the standard library's loggers, so that an application keeps its say.

Every line goes through the logger ``active_data_flow`` (a flow's through ``active_data_flow.flows.<name>``) as one
rendered text. Commands and runtimes call `set_up` to show them; an application configures these loggers as any other.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TextIO, cast

from active_data_flow.core.configuration import REDACTED, redact_url
from active_data_flow.core.errors import ConfigurationError
from active_data_flow.core.log_lines import RENDERINGS, Rendering

_LEVELS = ("debug", "info", "warning", "error")
_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|authorization|api_?key|private_?key|access_?key|dsn$", re.IGNORECASE
)
ROOT = "active_data_flow"

_rendering: Rendering = "keyvalue"
_context: ContextVar[Mapping[str, Any]] = ContextVar("context", default=MappingProxyType({}))


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
    _rendering = cast("Rendering", _known("log rendering", chosen, tuple(RENDERINGS)))
    root = logging.getLogger(ROOT)
    for handler in tuple(root.handlers):
        if isinstance(handler, _Handler):
            root.removeHandler(handler)
    root.addHandler(_Handler(stream))
    root.setLevel(level_number(level))
    root.propagate = False


def tear_down() -> None:
    """Undo `set_up`: lines go to the application's loggers again."""
    global _rendering  # noqa: PLW0603  # see set_up
    _rendering = "keyvalue"
    root = logging.getLogger(ROOT)
    for handler in tuple(root.handlers):
        if isinstance(handler, _Handler):
            root.removeHandler(handler)
    root.setLevel(logging.NOTSET)
    root.propagate = True


class Logger:
    """Writes lines of an event and its values through a logger of the standard library.

    Args:
        target: The standard library's logger.
        level: Number of the least important level it lets pass.
        bound: What stands on each of its lines.
    """

    def __init__(self, target: logging.Logger, level: int, bound: Mapping[str, Any]) -> None:
        self._target = target
        self._level = level
        self._bound = bound

    def bind(self, **context: Any) -> Logger:
        """A logger with more on each line."""
        return Logger(self._target, self._level, {**self._bound, **context})

    def debug(self, event: str, **values: Any) -> None:
        """Log what helps to find a fault."""
        self.log("debug", event, **values)

    def info(self, event: str, **values: Any) -> None:
        """Log what is expected."""
        self.log("info", event, **values)

    def warning(self, event: str, **values: Any) -> None:
        """Log what may need attention."""
        self.log("warning", event, **values)

    def error(self, event: str, **values: Any) -> None:
        """Log a failure."""
        self.log("error", event, **values)

    def exception(self, event: str, **values: Any) -> None:
        """Log a failure with the traceback of the error that is being handled."""
        self.log("error", event, **values, exception=traceback.format_exc().rstrip())

    def log(self, level: str, event: str, **values: Any) -> None:
        """Log a line of any level."""
        number = level_number(level)
        if number < self._level or not self._target.isEnabledFor(number):
            return
        now = datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")
        line = {"timestamp": f"{now}Z", "level": level, "event": event, **self._bound, **_context.get(), **values}
        self._target.log(number, RENDERINGS[_rendering](redact(line)))


def get_logger(flow: str | None = None, *, level: str = "debug", **context: Any) -> Logger:
    """A logger with context bound to each of its lines.

    Args:
        flow: Name of the flow; its lines go through the standard logger ``active_data_flow.flows.<flow>``.
        level: The least important lines it lets pass; a flow's `log_level`.
        **context: What stands on each line: ``run``, ``split``, ``connector`` …

    Example:
        >>> get_logger("prices", run="7f3a").info("run started", lanes=2)
    """
    name = ROOT if flow is None else f"{ROOT}.flows.{flow}"
    bound = {"flow": flow, **context} if flow is not None else context
    return Logger(logging.getLogger(name), level_number(level), bound)


@contextmanager
def context(**values: Any) -> Generator[None, None, None]:
    """Bind values to all lines of this thread or task while it lasts."""
    token = _context.set({**_context.get(), **values})
    try:
        yield
    finally:
        _context.reset(token)


def redact(value: Any, name: str = "") -> Any:
    """A value as it may be shown: values of secret names, and passwords in addresses, are replaced at any depth."""
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


def level_number(level: str) -> int:
    """The standard library's number of a level.

    Raises:
        ConfigurationError: Unknown level.
    """
    return logging.getLevelNamesMapping()[_known("log level", level, _LEVELS).upper()]


__all__ = ["ROOT", "Logger", "context", "get_logger", "level_number", "redact", "set_up", "tear_down"]
