"""Django's settings of a database, from its address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

_SQLITE = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def database_of(url: str) -> dict[str, Any]:
    """Settings for ``sqlite:///file``, ``postgresql://…`` or ``mysql://…``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path.removeprefix("/"), "OPTIONS": dict(_SQLITE)}
    server = {"HOST": parts.hostname, "PORT": parts.port, "USER": parts.username, "NAME": parts.path[1:]}
    if parts.scheme == "postgresql":
        return {"ENGINE": "django.db.backends.postgresql", **server}
    _mysql_by_pymysql()
    return {"ENGINE": "django.db.backends.mysql", "OPTIONS": {"charset": "utf8mb4"}, **server}


def _mysql_by_pymysql() -> None:
    """Django speaks to MariaDB through mysqlclient, which takes a compiler; PyMySQL passes itself off as that."""
    import pymysql

    pymysql.version_info = (2, 2, 7, "final", 0)  # the oldest that Django takes
    pymysql.install_as_MySQLdb()
