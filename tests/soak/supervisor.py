"""Runs a flow for a long time, kills it and its database at random moments, and watches memory and descriptors."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml

from active_data_flow.engine.stores.sqlite import SqliteStore
from services import PostgreSQL
from soak.audit import Audit, read_store
from soak.feed import closed_files
from soak.flow import document
from soak.probe import Sample, look_at

STUCK_AFTER = 300.0
_KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Plan:
    """How long, and how rough.

    Attributes:
        seconds: Length of the soak; its last sixth passes without kills, to see one run grow old.
        life: Shortest and longest life of a run until it is killed.
        outages: Shortest and longest time between two deaths of the database.
        files: How many files the feed may be ahead.
    """

    seconds: float = 3600.0
    life: tuple[float, float] = (20.0, 60.0)
    outages: tuple[float, float] = (240.0, 480.0)
    files: int = 12

    @property
    def rough(self) -> float:
        """Seconds until the calm."""
        return self.seconds * 5 / 6


@dataclass
class Run:
    """One process of the flow.

    Attributes:
        number: From 0.
        began: Seconds since the soak began.
        ended: Likewise.
        code: Exit code; -9 where it was killed.
        outage: Whether the database was away during its life.
        said: What it said last, where it ended by itself.
    """

    number: int
    began: float
    ended: float | None = None
    code: int | None = None
    outage: bool = False
    said: str = ""


@dataclass
class Record:
    """Everything that was seen."""

    plan: Plan
    runs: list[Run] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    stores: list[dict[str, float]] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)


class Supervisor:
    """One soak.

    Args:
        folder: Where everything is put.
        postgres: The server; it is killed now and then.
        plan: How long, and how rough.
    """

    def __init__(self, folder: Path, postgres: PostgreSQL, plan: Plan) -> None:
        self.record = Record(plan)
        self._folder = folder
        self._postgres = postgres
        self._plan = plan
        self._chance = random.Random(17)
        self._audit = Audit(folder, postgres.url("soak"))
        self._audit_error: Exception | None = None
        self._audit_progress = 0.0
        self._over = threading.Event()
        self._began = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> Record:
        """The whole soak.

        Raises:
            AssertionError: Records are missing or doubled; the flow is stuck, or fails for itself.
        """
        self._prepare()
        arguments = ["-m", "soak.feed", str(self._folder), str(self._plan.files)]
        feed = subprocess.Popen([sys.executable, *arguments], env=_environment())
        auditor = threading.Thread(target=self._keep_auditing, daemon=True)
        self._began = time.monotonic()
        auditor.start()
        try:
            self._live()
            feed.send_signal(signal.SIGTERM)
            assert feed.wait(60) == 0
            self._wait_till_compared()
            self._stop_run()
            self._catch_up()
        finally:
            self._over.set()
            auditor.join()
            for process in (feed, self._process):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()
        self._check_audit()
        self._audit.finish()
        self.record.result |= {"records": self._audit.records, "files": len(self._audit.done)}
        self.record.result |= {"parts": self._audit.parts.parts, "history": self._history()}
        self.record.result |= {"positions": self._audit.database.positions()}
        return self.record

    @property
    def now(self) -> float:
        """Seconds since the soak began."""
        return time.monotonic() - self._began

    # the flow

    def _prepare(self) -> None:
        (self._folder / "in").mkdir(parents=True)
        self._postgres.run_sql("CREATE DATABASE soak")
        self._audit.database.create()
        SqliteStore(self._folder / ".adf" / "state.db").close()  # the audit reads it from the first moment on
        flow = document(self._postgres.url("soak"))
        (self._folder / "flow.yaml").write_text(yaml.safe_dump(flow))

    def _start_run(self, *arguments: str) -> Run:
        run = Run(len(self.record.runs), self.now)
        with (self._folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "active_data_flow", "run", "flow.yaml", "--json", *arguments],
                cwd=self._folder, stdout=output, stderr=output, env=_environment(),
            )  # fmt: skip
        self.record.runs.append(run)
        return run

    def _end_run(self, code: int) -> None:
        run = self.record.runs[-1]
        run.ended, run.code = self.now, code

    def _wait_till_compared(self) -> None:
        files = len(list(closed_files(self._folder)))
        while len(self._audit.done) < files:
            time.sleep(1.0)
            self._check_audit()
            assert self._process is not None
            assert self._process.poll() is None, f"the last run failed: {self._tail()}"

    def _stop_run(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._end_run(self._process.wait(120))
        assert self.record.runs[-1].code == 0, "the run did not end well after SIGTERM"

    def _catch_up(self) -> None:
        self._start_run("--budget", "caught-up")
        assert self._process is not None
        self._end_run(self._process.wait(STUCK_AFTER * 2))
        assert self.record.runs[-1].code == 0, "the last run did not catch up"

    # life

    def _live(self) -> None:
        run = self._start_run()
        end = self.now + self._chance.uniform(*self._plan.life)
        outage = self._chance.uniform(*self._plan.outages)
        while self.now < self._plan.seconds:
            time.sleep(1.0)
            self._check_audit()
            self._look(run)
            if self.now > outage and self.now < self._plan.rough:
                run.outage = True
                self._kill_database()
                outage = self.now + self._chance.uniform(*self._plan.outages)
            if self._over_with(run, end):
                run = self._start_run()
                end = self.now + self._chance.uniform(*self._plan.life)

    def _over_with(self, run: Run, end: float) -> bool:
        assert self._process is not None
        code = self._process.poll()
        if code is None and (self.now < end or self.now > self._plan.rough):
            return False
        if code is None:
            time.sleep(self._chance.random())
            self._process.kill()
            code = self._process.wait()
        self._end_run(code)
        if code != _KILLED:
            run.said = self._tail()
        return True

    def _kill_database(self) -> None:
        """The database goes away for some seconds; in this thread, since it must not outlive the one that starts it."""
        began = self.now
        self._postgres.kill()
        time.sleep(self._chance.uniform(0.5, 8.0))
        self._postgres.start()
        self.record.outages.append((began, self.now))

    def _look(self, run: Run) -> None:
        assert self._process is not None
        seen = look_at(self._process.pid, (self._folder / "in").resolve())
        if seen is None:
            return
        counts = read_store(
            self._folder,
            "SELECT sum(json_extract(state, '$.counts.records_written')) FROM splits GROUP BY flow",
        )
        written = min((count or 0 for (count,) in counts), default=0) if len(counts) == 2 else 0
        self.record.samples.append(Sample(self.now, run.number, self.now - run.began, *seen, written))
        if len(self.record.samples) % 30 == 1:
            self.record.stores.append(self._store_size())

    def _store_size(self) -> dict[str, float]:
        files = (self._folder / ".adf").glob("state.db*")
        sizes: dict[str, float] = {"at": self.now, "bytes": sum(file.stat().st_size for file in files)}
        for table in ("splits", "rejects", "runs"):
            sizes[table] = read_store(self._folder, f"SELECT count(*) FROM {table}")[0][0]
        return sizes

    def _history(self) -> dict[str, int]:
        return dict(read_store(self._folder, "SELECT status, count(*) FROM runs GROUP BY status"))

    def _tail(self) -> str:
        return (self._folder / "output.txt").read_text(errors="replace")[-3000:]

    # auditing, beside the run

    def _keep_auditing(self) -> None:
        self._audit_progress = time.monotonic()
        while not self._over.wait(0.5):
            done = len(self._audit.done)
            try:
                self._audit.turn()
            except psycopg.OperationalError:  # the database is away
                continue
            except Exception as error:  # noqa: BLE001  # raised in the supervisor's thread
                self._audit_error = error
                return
            if len(self._audit.done) > done:
                self._audit_progress = time.monotonic()

    def _check_audit(self) -> None:
        if self._audit_error is not None:
            raise self._audit_error
        assert time.monotonic() - self._audit_progress < STUCK_AFTER, f"nothing was compared for long: {self._tail()}"


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path}


__all__ = ["Plan", "Record", "Run", "Supervisor"]
