"""Runs `adf` many times in children that can be killed, without paying for the imports each time.

Started as a program, it imports everything once, then forks a child for each command that it reads.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from pathlib import Path

OF_OTHERS = (
    "adbc_driver_manager",
    "adbc_driver_sqlite",
    "duckdb",
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.json",
    "pyarrow.parquet",
    "rich.console",
    "rich.panel",
    "rich.progress",
    "rich.table",
    "rich.traceback",
)


def serve() -> None:
    import active_data_flow
    from active_data_flow.cli import main

    ours = [found.name for found in pkgutil.walk_packages(active_data_flow.__path__, "active_data_flow.")]
    for name in (*ours, *OF_OTHERS):
        if not name.endswith("__main__"):
            importlib.import_module(name)
    for line in sys.stdin:
        command = json.loads(line)
        child = os.fork()
        if not child:
            run(main, command)
        print(json.dumps(wait(child, command.get("kill_after"))), flush=True)


def run(main, command) -> None:
    os.chdir(command["directory"])
    os.environ.update(command["environment"])
    output = os.open(command["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 99
    try:
        code = main(command["arguments"])
    except SystemExit as leaving:
        code = leaving.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 98)


def wait(child: int, kill_after: float | None) -> int:
    """Exit code; negative: the signal that killed it."""
    end = None if kill_after is None else time.monotonic() + kill_after
    while True:
        done, status = os.waitpid(child, 0 if end is None else os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            os.kill(child, signal.SIGKILL)
            end = None
        time.sleep(0.001)


class Zygote:
    """The other end: used by tests."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def adf(
        self, directory: Path, *arguments: str, crash_at: str = "", kill_after: float | None = None, **environment: str
    ) -> int:
        """Run a command in a directory; returns its exit code, -9 where it was killed."""
        command = {
            "directory": str(directory),
            "arguments": list(arguments),
            "environment": {"ADF_CRASH_AT": crash_at, **environment},
            "output": str(directory / "output.txt"),
            "kill_after": kill_after,
        }
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


if __name__ == "__main__":
    serve()
