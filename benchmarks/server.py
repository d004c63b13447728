"""The tests' PostgreSQL server, with the safety and the room of a real one."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from benchmarks.harness import ROOT


@contextmanager
def postgres() -> Generator[Any]:
    """A server with fsync; of another version where ``POSTGRES_BIN`` names its folder of programs."""
    sys.path.insert(0, str(ROOT / "tests"))
    from services import PostgreSQL

    class Chosen(PostgreSQL):
        def _binary(self, name: str) -> str:
            folder = os.environ.get("POSTGRES_BIN")
            return os.path.join(folder, name) if folder else super()._binary(name)  # noqa: PTH118

    server = Chosen()
    try:
        server.start()
        for setting in ("fsync = on", "full_page_writes = on", "max_wal_size = '4GB'"):
            server.run_sql(f"alter system set {setting}")
        server.run_sql("select pg_reload_conf()")
        yield server
    finally:
        server.close()
