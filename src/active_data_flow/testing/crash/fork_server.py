"""Runs ``adf`` many times in child processes that can be killed and frozen, without paying for the imports each time.

The server is a process that imports everything once, then forks a child for each command that it reads.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Self

_OF_OTHERS = (
    "adbc_driver_manager",
    "adbc_driver_sqlite",
    "duckdb",
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.json",
    "pyarrow.parquet",
    "redis",
    "rich.console",
    "rich.panel",
    "rich.progress",
    "rich.table",
    "rich.traceback",
    "structlog",
)
_LOOK = 0.001

Main = Callable[[Sequence[str]], int]
Answer = int | str | None

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Command:
    """What a child is to do.

    Attributes:
        directory: Where it works.
        arguments: Of ``adf``.
        environment: All its variables.
        output: The file that its output is appended to.
        paths: Its ``sys.path``.
        file_size: Bytes that a file may have; None for any number.
    """

    directory: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    output: str = os.devnull
    paths: Sequence[str] = ()
    file_size: int | None = None


class Child:
    """A command under way. Of use as a context manager, which ends it."""

    def __init__(self, server: ForkServer, process: int, output: Path) -> None:
        self.process = process
        self.output = output
        self.code: int | None = None
        self._server = server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    @property
    def text(self) -> str:
        """All that it, and commands before it with the same output, have printed."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def wait(self, seconds: float = _PATIENCE) -> int | None:
        """Wait for its end: its exit code, negative the signal that killed it; None where it does not end in time."""
        if self.code is None:
            self.code = self._server.ask(wait=self.process, seconds=seconds)
        return self.code

    def wait_frozen(self, seconds: float = _PATIENCE) -> bool:
        """Wait till it is frozen; False where it ends instead, or does neither in time."""
        answer = None if self.code is not None else self._server.ask(wait=self.process, seconds=seconds, frozen=True)
        if answer == "frozen":
            return True
        self.code = answer
        return False

    def thaw(self) -> None:
        """Let it go on after it was frozen."""
        os.kill(self.process, signal.SIGCONT)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash does; nothing where it has ended."""
        if self.code is None:
            os.kill(self.process, signal.SIGKILL)
            self.wait()


class ForkServer:
    """The process that forks the children; one for a whole test run."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, "PYTHONPATH": paths}
        environment.pop("DJANGO_SETTINGS_MODULE", None)  # each run has a project of its own
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603  # our own interpreter

    def start(
        self,
        directory: Path,
        *arguments: str,
        crash_at: str = "",
        crash_by: str = "KILL",
        file_size: int | None = None,
        output: Path | None = None,
        **environment: str,
    ) -> Child:
        """Begin ``adf`` with these arguments.

        Args:
            directory: Where it works.
            arguments: Of ``adf``.
            crash_at: Where it is struck; see `active_data_flow.engine.crash_points`.
            crash_by: ``KILL`` or ``STOP``.
            file_size: Bytes that a file may have: for a disk that is full.
            output: What its output is appended to; default: ``output.txt`` in its directory.
            environment: Variables beside those of this process.
        """
        output = output or directory / "output.txt"
        struck = {**os.environ, "ADF_CRASH_AT": crash_at, "ADF_CRASH_BY": crash_by, **environment}
        paths = [path for path in sys.path if path]
        command = Command(str(directory), arguments, struck, str(output), paths, file_size)
        return Child(self, int(self.ask(start=asdict(command))), output)

    def adf(
        self, directory: Path, *arguments: str, crash_at: str = "", kill_after: float | None = None, **environment: str
    ) -> int:
        """Run ``adf`` to its end, or kill it after so many seconds; its exit code, -9 where it was killed."""
        settings: dict[str, Any] = {"crash_at": crash_at, **environment}
        with self.start(directory, *arguments, **settings) as child:
            code = child.wait(_PATIENCE if kill_after is None else kill_after)
            if code is None:
                child.kill()
            assert child.code is not None
            return child.code

    def ask(self, **question: Any) -> Any:
        """Put a question to the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            message = f"the fork server has ended with {self._process.wait(10)}"
            raise RuntimeError(message)
        return json.loads(answer)

    def close(self) -> None:
        """End it, and every child that is still there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def serve() -> None:
    """Answer questions till the asking process ends."""
    (command,) = entry_points(group="console_scripts", name="adf")
    main: Main = command.load()
    _import_all()
    living: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        answer: Answer
        if "start" in question:
            answer = _start(main, question["start"])
            living.add(answer)
        else:
            answer = _wait(**question)
            living -= {question["wait"]} if isinstance(answer, int) else set()
        print(json.dumps(answer), flush=True)  # noqa: T201  # the answer
    for child in living:
        os.kill(child, signal.SIGKILL)


def _import_all() -> None:
    import active_data_flow

    found = pkgutil.walk_packages(active_data_flow.__path__, "active_data_flow.", onerror=lambda _: None)
    ours = [module.name for module in found]
    for name in (*ours, *_OF_OTHERS):
        if not name.endswith("__main__"):
            _import(name)


def _import(name: str) -> None:
    """Import a module if what it needs is there: a run that needs it says what is missing."""
    try:
        importlib.import_module(name)
    except Exception:  # noqa: BLE001  # a package that is not installed, or a Django project, which each run has its own of
        return


def _start(main: Main, command: Mapping[str, Any]) -> int:
    child = os.fork()
    if not child:
        _be(main, Command(**command))
    return child


def _be(main: Main, command: Command) -> None:
    code: object = 99
    try:
        os.chdir(command.directory)
        os.environ.clear()
        os.environ.update(command.environment)
        sys.path[:] = command.paths
        output = os.open(command.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if command.file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (command.file_size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        code = main(command.arguments)
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 98)


def _wait(wait: int, seconds: float, *, frozen: bool = False) -> Answer:
    """Exit code, negative: the signal that killed it; ``"frozen"`` where that is waited for; None when time is up."""
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(wait, os.WNOHANG | (os.WUNTRACED if frozen else 0))
        if done:
            return "frozen" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(_LOOK)


__all__ = ["Child", "Command", "ForkServer"]
