"""A folder with a flow's document and its files, in which the real `adf` is run."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

TABLE: dict[str, Any] = {"type": "sql", "url": "sqlite:///out.db", "table": "t"}


@dataclass(frozen=True)
class Outcome:
    """What a command ended with and all that it printed."""

    code: int
    output: str

    @property
    def text(self) -> str:
        """The output, with the folds of boxes and tables taken out."""
        return " ".join(self.output.replace("│", " ").split())

    @property
    def json(self) -> Any:
        """What ``--json`` printed as the last line of standard output, which errors may follow here."""
        return json.loads(next(line for line in reversed(self.output.splitlines()) if line.startswith("{")))


class FlowFolder:
    """The folder.

    Args:
        path: Where it is.
        zygote: Runs the commands.
    """

    def __init__(self, path: Path, zygote: Any) -> None:
        self.path = path
        self._zygote = zygote

    def put(self, name: str, content: str | bytes) -> FlowFolder:
        """Write a file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self

    def flow(
        self, source: dict[str, Any] | None = None, sink: dict[str, Any] | None = None, **settings: Any
    ) -> FlowFolder:
        """Write the document ``flow.yaml``; from ``in.csv`` to ``out.csv`` where nothing else is said."""
        document = {
            "name": "bad",
            "source": {"type": "file", "path": "in.csv"} | (source or {}),
            "sink": sink or {"type": "file", "path": "out.csv"},
        }
        return self.put("flow.yaml", yaml.safe_dump(document | settings))

    def adf(self, command: str, *arguments: str, flow: str = "flow.yaml", **environment: str) -> Outcome:
        """Run a command on the flow; never with a traceback, whatever happens."""
        outcome = self.raw(*command.split(), flow, *arguments, **environment)
        assert "Traceback" not in outcome.output or "--verbose" in arguments, outcome.output
        assert "this was not foreseen" not in outcome.text, outcome.output
        return outcome

    def raw(self, *arguments: str, **environment: str) -> Outcome:
        """Run a command as it is given."""
        output = self.path / "output.txt"
        output.unlink(missing_ok=True)
        code = self._zygote.adf(self.path, *arguments, COLUMNS="200", **environment)
        return Outcome(code, output.read_text() if output.exists() else "")

    def run(self, *arguments: str, **environment: str) -> Outcome:
        """``adf run flow.yaml --json``."""
        return self.adf("run", "--json", *arguments, **environment)

    def fails(self, *messages: str, code: int = 1, **environment: str) -> Outcome:
        """Run the flow: it fails, with all of these messages."""
        outcome = self.run(**environment)
        assert outcome.code == code, outcome.output
        assert outcome.json["status"] == "failed"
        for message in messages:
            assert message in outcome.text, outcome.output
        return outcome

    def succeeds(self, *arguments: str, **environment: str) -> Any:
        """Run the flow: it is done; its result."""
        outcome = self.run(*arguments, **environment)
        assert outcome.code == 0, outcome.output
        assert outcome.json["status"] == "success"
        return outcome.json

    def rejects(self) -> list[dict[str, Any]]:
        """The open rejected records, as ``adf rejects list`` and ``show`` tell them; both must agree."""
        listed = json.loads(self.adf("rejects list", "--json", "--limit", "1000").output)
        assert sum(group["records"] for group in listed["groups"]) == len(listed["rejects"])
        assert json.loads(self.adf("rejects show", "--json").output) == listed["rejects"]
        return listed["rejects"]

    def rows(self, name: str = "out.csv") -> list[dict[str, str]]:
        """What the file sink has written; nothing where there is no file."""
        path = self.path / name
        if not path.exists():
            return []
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    def table(self, columns: str = "*", database: str = "out.db") -> list[tuple[Any, ...]]:
        """What the SQLite sink has written, sorted; nothing where there is no table."""
        with closing(sqlite3.connect(self.path / database)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 't'").fetchall():
                return []
            return sorted(connection.execute(f"SELECT {columns} FROM t").fetchall())

    def sql(self, *statements: str, database: str = "out.db") -> None:
        """Change the SQLite database."""
        with closing(sqlite3.connect(self.path / database)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin a command in a process of its own."""
        log = (self.path / "begun.txt").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "active_data_flow", *arguments], cwd=self.path, stdout=log, stderr=log
            )


@contextmanager
def disk(place: Path, size: str) -> Iterator[Path]:
    """A disk of that size; the test is skipped where it can't be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a disk takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def remount(place: Path, options: str) -> None:
    """Change a disk: ``ro``, ``rw``, ``size=20m``."""
    subprocess.run(["mount", "-o", f"remount,{options}", place], check=True)
