"""Where cases get their data, programs and servers from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import ROOT, Case, Contestant, Goal
from benchmarks.schema import NULLABLE

ADF = str(Path(sys.executable).with_name("adf"))
PEERS = ROOT / "benchmarks" / "peers" / ".venv" / "bin" / "python"
CaseMaker = Callable[["Setting"], AbstractContextManager[Case]]


@dataclass(frozen=True)
class Setting:
    """What a case is made for: rows, a folder of its own, and whether peers take part."""

    rows: int
    folder: Path
    peers: bool = True
    data: Path = ROOT / "benchmarks" / "data"

    def made(self, suffix: str, rows: int | None = None, first: int = 0) -> Path:
        """The made table as a file, written by another process: what a program inherits of ours counts as its memory.

        A file that is there already is kept.
        """
        rows = rows or self.rows
        path = self.data / f"{rows}{f'-from-{first}' if first else ''}{suffix}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "benchmarks.data", str(path), str(rows), str(first)]
            subprocess.run(command, check=True, cwd=ROOT)
        return path

    def flow(self, source: dict[str, Any], sink: dict[str, Any], name: str = "adf run", **options: Any) -> Contestant:
        """Our side: a document with a typed schema, run by `adf run` from a clean state."""
        document = {"name": "bench", "source": source, "schema": NULLABLE, "sink": sink} | options
        folder = self.folder / name.replace(" ", "-")
        path = folder / "bench.yaml"
        folder.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        state = folder / "adf"
        command = [ADF, "run", str(path), "--quiet", "--directory", str(state)]
        return Contestant(name, command, lambda: shutil.rmtree(state, ignore_errors=True))


def program(name: str, module: str, *arguments: object, goal: Goal | None = None) -> Contestant:
    """A program of `benchmarks.ours` or `benchmarks.references`, in this environment."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    return Contestant(name, command, goal=goal)


def peer(name: str, module: str, *arguments: object, goal: Goal | None = None) -> Contestant:
    """A program of `benchmarks.peers`, in the environment of the peers."""
    command = [str(PEERS), "-m", f"benchmarks.peers.{module}", *map(str, arguments)]
    missing = "" if PEERS.exists() else "not installed; `make bench-peers` installs the peers"
    return Contestant(name, command, goal=goal, missing=missing, is_peer=True)


def tool(name: str, command: Sequence[str], goal: Goal | None = None) -> Contestant:
    """A program of the machine."""
    missing = "" if shutil.which(command[0]) else f"not installed: there is no {command[0]}"
    return Contestant(name, command, goal=goal, missing=missing)
