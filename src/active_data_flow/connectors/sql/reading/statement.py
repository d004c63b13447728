"""Text of a statement and the values bound to it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

from active_data_flow.connectors.sql.client import Session
from active_data_flow.core.errors import ConfigurationError, SourceError

_PLACES = re.compile(
    r"""
    [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*'          # texts: what stands inside is no place
    | "(?:[^"]|"")*" | `(?:[^`]|``)*`                  # names
    | --[^\n]* | /\*.*?\*/                             # comments
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$                  # PostgreSQL's other texts
    | ::
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLACES_MYSQL = re.compile(_PLACES.pattern.replace("'(?:[^']|'')*'", r"'(?:[^'\\]|\\.|'')*'"), _PLACES.flags)


class Bound:
    """Collects the values of one statement and says what stands for them in its text.

    PostgreSQL gives large results only by COPY, which takes no parameters: there the values are bound to settings of
    the transaction first, which the statement looks up.

    Args:
        session: The session that runs the statement.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._settings = session.dialect == "postgresql"
        self.values: list[Any] = []

    def bind(self, value: Any, kind: str | None = None) -> str:
        """What stands for a value; `kind` is its type in the database."""
        if not self._settings:
            self.values.append(value)
            return _as_decimal(self._session.mark(len(self.values)), kind or "", self._session.dialect)
        kind = kind or postgresql_type(value)
        if value is None:
            return f"CAST(NULL AS {kind})"
        self.values.append(_postgresql_text(value))
        return f"CAST(current_setting('adf.p{len(self.values)}') AS {kind})"

    def prepare(self) -> Sequence[Any]:
        """Bind the values to the session's transaction where that is the way.

        Returns:
            The values to run the statement with.
        """
        if not self._settings or not self.values:
            return () if self._settings else self.values
        if not self._session.in_transaction:
            self._session.begin()
        calls = (f"set_config('adf.p{number}', ${number}, true)" for number in range(1, len(self.values) + 1))
        self._session.fetch(f"SELECT {', '.join(calls)}", self.values)
        return ()


def filled(query: str, parameters: Mapping[str, Any], bound: Bound, dialect: str) -> str:
    """A user's query with something for each ``:name``.

    Raises:
        ConfigurationError: A parameter is missing or not used.
    """
    used: set[str] = set()

    def place(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in parameters:
            given = ", ".join(sorted(parameters)) or "none"
            message = f"query: no value for :{name}; parameters has {given}"
            raise ConfigurationError(message, connector="sql")
        used.add(name)
        return bound.bind(parameters[name])

    text = (_PLACES_MYSQL if dialect == "mysql" else _PLACES).sub(place, query.strip().rstrip(";"))
    if unused := sorted(parameters.keys() - used):
        message = f"parameters: the query does not use {', '.join(unused)}; write :{unused[0]} where it is to stand"
        raise ConfigurationError(message, connector="sql")
    return text


def _as_decimal(place: str, kind: str, dialect: str) -> str:
    """Decimals come as text; compared as such they would be compared as floats, or as texts."""
    if not re.match(r"(DEC|NUM)(?!.*TEXT)", kind.upper()):
        return place
    return f"CAST({place} AS NUMERIC)" if dialect == "sqlite" else f"CAST({place} AS {kind.partition(')')[0]}))"


def postgresql_type(value: Any) -> str:
    """The type that PostgreSQL has for a value of a parameter."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "bigint" if -(2**63) <= value < 2**63 else "numeric"
    return "double precision" if isinstance(value, float) else "text"


def _postgresql_text(value: Any) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, dt.timedelta):
        return f"{value // dt.timedelta(microseconds=1)} microseconds"
    if isinstance(value, str) and "\0" in value:
        raise SourceError("PostgreSQL's texts hold no NUL characters; a parameter or key does", connector="sql")
    return repr(value) if isinstance(value, float) else str(value)


__all__ = ["Bound", "filled", "postgresql_type"]
