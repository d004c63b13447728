"""Addresses of databases: which dialect, which driver, where."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from active_data_flow.core.configuration import redact_url
from active_data_flow.core.errors import ConfigurationError

DialectName = Literal["postgresql", "sqlite", "mysql"]

_DIALECTS: dict[str, DialectName] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mariadb": "mysql",
}
Side = Literal["source", "sink"]
_DRIVERS: dict[DialectName, tuple[str, ...]] = {
    "postgresql": ("adbc", "psycopg"),
    "sqlite": ("adbc", "pysqlite"),
    "mysql": ("pymysql",),
}
_KEEPALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
_MODULES = {
    ("postgresql", "adbc"): ("adbc_driver_postgresql", "postgres"),
    ("postgresql", "psycopg"): ("psycopg", "postgres"),
    ("sqlite", "adbc"): ("adbc_driver_sqlite", ""),
    ("sqlite", "pysqlite"): ("sqlite3", ""),
    ("mysql", "pymysql"): ("pymysql", "mysql"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, taken apart.

    Attributes:
        dialect: Which SQL it speaks.
        driver: Which library talks to it.
        url: The address as the driver takes it, without ``+driver``; may hold a password: never show it.
        redacted: The address as it may be shown.
        side: Whether it is that of a source or of a sink: the driver depends on it, and what errors are.
    """

    dialect: DialectName
    driver: str
    url: str
    redacted: str
    side: Side

    @classmethod
    def parse(cls, url: str, side: Side) -> Address:
        """Take a resolved address apart.

        Args:
            url: The address.
            side: Whether rows come out of it or go in.

        Raises:
            ConfigurationError: It is no address of a database that is known here, or its driver is not installed.
        """
        scheme, separator, rest = url.partition("://")
        name, _, driver = scheme.partition("+")
        if not separator or name not in _DIALECTS:
            message = (
                f"{redact_url(url)!r} is no address of a database; examples: sqlite:///flights.db, "
                "postgresql://user@host/database, mysql://user@host/database"
            )
            raise ConfigurationError(message)
        dialect = _DIALECTS[name]
        address = cls(dialect, _driver(dialect, driver, side), f"{dialect}://{rest}", redact_url(url), side)
        address._check()
        return address

    @property
    def variant(self) -> str:
        """The dialect, with the driver where it is not the first choice: ``postgresql``, ``postgresql+adbc``."""
        return self.dialect if self.driver == _drivers(self.dialect, self.side)[0] else f"{self.dialect}+{self.driver}"

    @staticmethod
    def variants(side: Side) -> list[str]:
        """All that there are."""
        return [
            f"{dialect}+{driver}" if number else dialect
            for dialect in _DRIVERS
            for number, driver in enumerate(_drivers(dialect, side))
        ]

    @property
    def path(self) -> Path:
        """Of SQLite: the file."""
        return Path(unquote(urlsplit(self.url).path).removeprefix("/"))

    @property
    def options(self) -> dict[str, str]:
        """What follows the question mark."""
        return dict(parse_qsl(urlsplit(self.url).query))

    def server(self) -> dict[str, str | int]:
        """Of a server: host, port, user, password and database, only what is given."""
        parts = urlsplit(self.url)
        found: dict[str, str | int | None] = {
            "host": parts.hostname,
            "port": parts.port,
            "user": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "database": unquote(parts.path.lstrip("/")) or None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def with_timeouts(self, seconds: float) -> str:
        """Of PostgreSQL: the address for its client library, which is to notice a server that is gone."""
        wanted = {"connect_timeout": str(max(2, math.ceil(seconds)))} | _KEEPALIVE
        missing = urlencode({name: value for name, value in wanted.items() if name not in self.options})
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, missing)))))

    def _check(self) -> None:
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError as error:
            message = f"{self.redacted!r} is no valid address: {error}"
            raise ConfigurationError(message) from error
        if self.dialect == "sqlite" and (parts.netloc or self.path.name in ("", ":memory:")):
            message = (
                f"{self.redacted!r} names no file; a relative path has three slashes (sqlite:///flights.db), "
                "an absolute one four (sqlite:////data/flights.db); a database in memory can't keep positions"
            )
            raise ConfigurationError(message)
        if self.dialect == "mysql" and "database" not in self.server():
            message = f"{self.redacted!r} names no database; as mysql://user@host/database"
            raise ConfigurationError(message)


def _drivers(dialect: DialectName, side: Side) -> tuple[str, ...]:
    """Drivers, the fastest first: of PostgreSQL ADBC's for rows out, psycopg with a binary COPY of ours for rows in."""
    drivers = _DRIVERS[dialect]
    return drivers[::-1] if dialect == "postgresql" and side == "sink" else drivers


def _driver(dialect: DialectName, asked: str, side: Side) -> str:
    choices = _drivers(dialect, side)
    if asked and asked not in choices:
        message = f"{dialect}+{asked}: unknown driver; there are {', '.join(choices)}"
        raise ConfigurationError(message)
    for driver in (asked,) if asked else choices:
        if importlib.util.find_spec(_MODULES[dialect, driver][0]) is not None:
            return driver
    module, extra = _MODULES[dialect, asked or choices[0]]
    remedy = f'pip install "active-data-flow[{extra}]"' if extra else f"pip install {module.replace('_', '-')}"
    message = f"the {dialect} driver {module} is not installed; {remedy}"
    raise ConfigurationError(message)


def quoted(name: str, mark: str = '"') -> str:
    """A name as an identifier of SQL."""
    if "\0" in name:
        message = f"a name can't hold a NUL character: {name!r}"
        raise ConfigurationError(message)
    return mark + name.replace(mark, mark * 2) + mark


__all__ = ["Address", "DialectName", "Side", "quoted"]
