"""What figures depend on besides the code: date, machine, versions."""

from __future__ import annotations

import datetime as dt
import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from typing import Any

from benchmarks.server import postgres_version
from benchmarks.setting import PEERS

OURS = ("pyarrow", "duckdb", "adbc-driver-manager", "adbc-driver-postgresql", "adbc-driver-sqlite")
THEIRS = ("bytewax", "connectorx", "django", "dlt", "duckdb", "ijson", "msgspec", "polars", "psycopg", "sqlalchemy")


def machine() -> dict[str, Any]:
    """This machine and what is installed, now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {
            "active-data-flow": version("active-data-flow"),
            "Python": platform.python_version(),
            "PostgreSQL": postgres_version(),
            "sqlite3": _first_word(["sqlite3", "--version"]),
            **{name: version(name) for name in OURS},
        },
        "peers": _peers(),
    }


def _peers() -> dict[str, str]:
    if not PEERS.exists():
        return {}
    program = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    return dict(zip(THEIRS, _output([str(PEERS), "-c", program, *THEIRS]).split(), strict=True))


def _first_word(command: list[str]) -> str:
    return _output(command).split()[0] if shutil.which(command[0]) else "not installed"


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
