"""What the errors of databases mean: wait and repeat, set a row aside, or stop."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from active_data_flow.connectors.sql.client.address import Address
from active_data_flow.core.errors import (
    ActiveDataFlowError,
    SinkError,
    SinkUnavailableError,
    SourceError,
    SourceUnavailableError,
)

Meaning = Literal["unavailable", "refused", "full", "failed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of a driver, put into one form.

    Attributes:
        meaning: What to do about it.
        text: What the database says, in one line.
        column: Column at fault, where the database names it.
        row: Row at fault (0-based) within what was ingested, where the database names it.
    """

    meaning: Meaning
    text: str
    column: str | None = None
    row: int | None = None


class RefusedRowsError(SinkError):
    """The database refuses the values of some row: a constraint, a type, a length.

    Attributes:
        failure: What the database says of it.
    """

    def __init__(self, message: str, failure: Failure) -> None:
        super().__init__(message)
        self.failure = failure

    def behind(self, rows: int) -> RefusedRowsError:
        """The same error, where that many rows of other statements came before."""
        row = None if self.failure.row is None else self.failure.row + rows
        return RefusedRowsError(self.message, replace(self.failure, row=row))


_UNAVAILABLE_STATES = re.compile(r"08...|57P..|57014|53[23]00|40...|55P03|55006")
_REFUSED_STATES = re.compile(r"22...|23...|44000")
_FOR_GOOD = re.compile(
    r"database \S+ does not exist|role \S+ does not exist|authentication failed|no password supplied|"
    r"no pg_hba\.conf entry|invalid (connection option|URI|port)|unable to open database file|not a database|"
    r"is not permitted to log in|SSL (is not enabled|error)|invalid integer value",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"no connection to the server|the connection is (closed|lost)|server closed the connection|terminating connection|"
    r"connection (refused|reset|timed)|"
    r"could not (connect|translate|receive|send)|failed to connect|connection to server|starting up|shutting down|"
    r"database (table |schema )?is locked|timeout expired|too many clients|broken pipe|lost synchroni[sz]ation",
    re.IGNORECASE,
)
_FULL = re.compile(r"database or disk is full|no space left|disk full|table .* is full", re.IGNORECASE)
_SQLITE_REFUSED = re.compile(r"constraint failed|datatype mismatch|string or blob too big", re.IGNORECASE)


def classify(text: str, state: str | None) -> Meaning:
    """What an error means, by its SQLSTATE where there is one, else by its text."""
    if state == "53100" or _FULL.search(text):
        return "full"
    if state and _UNAVAILABLE_STATES.fullmatch(state):
        return "unavailable"
    if (state and _REFUSED_STATES.fullmatch(state)) or (not state and _SQLITE_REFUSED.search(text)):
        return "refused"
    if not state and _LOST.search(text) and not _FOR_GOOD.search(text):
        return "unavailable"
    return "failed"


def sqlite_failure(text: str) -> Failure:
    """The failure in a message of SQLite, through whatever driver."""
    text = re.sub(
        r"^\w+: (\[SQLite\] )?(failed to (execute|prepare)( query)?: )?", "", text.split("\nquery was:", 1)[0]
    )
    text = text.split("\nquery:")[0].strip()
    column = re.search(r"(?:NOT NULL|UNIQUE) constraint failed: (?:[^,]*\.)?([^.,]+)$", text)
    return Failure(classify(text, None), text, column.group(1) if column else None)


def postgresql_failure(text: str, state: str | None) -> Failure:
    """The failure in a message of PostgreSQL, through whatever driver; `text` has its detail and context lines."""
    main = re.search(r"(?:ERROR|FATAL|PANIC):\s+(.*)", text)
    message = main.group(1).strip() if main else " ".join(text.split())
    detail = re.search(r"^DETAIL:\s+(Key .*)$", text, re.MULTILINE)
    if detail:
        message = f"{message}: {detail.group(1)}"
    row = re.search(r"^CONTEXT:\s+COPY .*, line (\d+)", text, re.MULTILINE)
    column = re.search(r"^CONTEXT:\s+COPY .*, column ([^\n:]+)", text, re.MULTILINE) or re.search(
        r'column "([^"]+)"|: Key \((\w+)\)=', message
    )
    return Failure(
        classify(text, state),
        message,
        next(filter(None, column.groups())).strip() if column else None,
        int(row.group(1)) - 1 if row else None,
    )


# NULL, duplicate key, out of range, truncated, bad value, no default, too long, foreign key, CHECK, bad JSON
_MYSQL_REFUSED = {
    1022,
    1048,
    1062,
    1264,
    1265,
    1292,
    1364,
    1366,
    1367,
    1406,
    1411,
    1451,
    1452,
    1586,
    1690,
    3140,
    3819,
    4025,
}
# too many connections, shutting down, lock wait time-out, deadlock, killed, connection lost or refused
_MYSQL_UNAVAILABLE = {
    0,
    1020,
    1040,
    1047,
    1053,
    1129,
    1158,
    1159,
    1160,
    1161,
    1203,
    1205,
    1213,
    1317,
    1927,
    2002,
    2003,
    2006,
    2013,
    2014,
    2055,
}


def mysql_failure(code: int, text: str) -> Failure:
    """The failure of an error number of MySQL or MariaDB."""
    column = re.search(r"(?:column|field) ((?:[`'][^`']*[`']\.?)+)", text, re.IGNORECASE)
    row = re.search(r"at row (\d+)", text)
    name = column.group(1).split(".")[-1].strip("`'") if column else None
    meaning: Meaning = "failed"
    if code in (1021, 1114):
        meaning = "full"
    elif code in _MYSQL_REFUSED:
        meaning = "refused"
    elif code in _MYSQL_UNAVAILABLE:
        meaning = "unavailable"
    return Failure(meaning, f"{text} ({code})", name, int(row.group(1)) - 1 if row else None)


def error_for(failure: Failure, address: Address) -> ActiveDataFlowError:
    """The error to raise for a failure; names the database, never a password."""
    side, database = address.side, address.redacted
    if failure.meaning == "unavailable":
        unavailable = SinkUnavailableError if side == "sink" else SourceUnavailableError
        return unavailable(f"{database} is not available: {failure.text}")
    if failure.meaning == "full":
        failed = SinkError if side == "sink" else SourceError
        return failed(
            f"{database} has no space left: {failure.text}; free some, then run again: what was committed is not lost"
        )
    if failure.meaning == "refused" and side == "sink":
        return RefusedRowsError(f"{database} refuses a row: {failure.text}", failure)
    failed = SinkError if side == "sink" else SourceError
    return failed(f"{database}: {failure.text}{_remedy(failure.text)}")


def _remedy(text: str) -> str:
    lowered = text.lower()
    if "readonly database" in lowered or "read-only" in lowered:
        return "; make the database (of SQLite: the file and its directory) writable for this user"
    if "permission denied" in lowered or "denied to user" in lowered or "denied for user" in lowered:
        return "; grant the permission to the user of the address"
    if "unable to open database file" in lowered:
        return "; the directory must exist and be writable, and its disk not be mounted read-only"
    return ""


@contextmanager
def passed_on(kinds: tuple[type[Exception], ...]) -> Generator[None]:
    """Let errors of those kinds go: they come from closing what is broken anyway."""
    try:
        yield
    except kinds:
        return


__all__ = [
    "Failure",
    "Meaning",
    "RefusedRowsError",
    "classify",
    "error_for",
    "mysql_failure",
    "passed_on",
    "postgresql_failure",
    "sqlite_failure",
]
