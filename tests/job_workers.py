"""Workers of a queue in processes of their own, and the flows that they run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services import die_with_parent

TESTS = Path(__file__).parent


@dataclass
class Queue:
    """A kind of queue, and how workers are started for it.

    Attributes:
        name: The backend, as in the settings.
        options: Options of the backend.
        database: Address of the project's database.
        target: Address of the database that flows write to.
        environment: What its processes are told besides.
    """

    name: str
    options: Mapping[str, Any]
    database: str
    target: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The setting ACTIVE_DATA_FLOW; Celery's workers take more tasks than they work on, so that these are lost."""
        handover = 5 if self.name == "celery" else 60
        return {"LEASE": 4, "JOB": {"BACKEND": self.name, "OPTIONS": dict(self.options), "HANDOVER": handover}}

    @property
    def command(self) -> list[str]:
        """Command line of a worker."""
        if self.name == "celery":
            options = ["--pool=prefork", "--loglevel=INFO", "--concurrency=1", "--without-gossip", "--without-mingle"]
            return [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "django_project.celery_app",
                "worker",
                "-Q",
                "default",
                *options,
            ]
        return [sys.executable, "-m", "django", "adf_worker"]


class Worker:
    """A worker process, with those that it starts, and what it has said."""

    def __init__(self, queue: Queue, folder: Path) -> None:
        self.log = folder / f"worker-{time.monotonic_ns()}.log"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "django_project.settings",
            "PYTHONPATH": str(TESTS),
            "ADF_TEST_DATABASE": queue.database,
            "ADF_TEST_APPS": "active_data_flow.runtimes.job,django_project.depot",
            "ADF_TEST_SETTINGS": json.dumps(queue.settings),
            "DEPOT_DATABASE": queue.target,
            **queue.environment,
        }
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                queue.command,
                env=environment,
                stdout=log,
                stderr=log,
                cwd=folder,
                preexec_fn=_own_group,  # noqa: PLW1509  # only sets flags of the child
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker and all processes that it has started."""
        for pid in [*_descendants(self.process.pid), self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """End all of it at once."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask the worker to end, as a supervisor does; its exit status."""
        self.process.terminate()
        return self.process.wait(30)


def _own_group() -> None:
    os.setpgrp()
    die_with_parent()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [*_descendants(child), child]
    return found


def wait_for(what: Callable[[], Any], seconds: float = 80.0, *, beat: Callable[[], Any] = lambda: None) -> Any:
    """The first answer that is not false.

    Args:
        what: Asked again and again.
        seconds: How long.
        beat: Done before each question.
    """
    end = time.monotonic() + seconds
    while True:
        beat()
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"has not happened in {seconds} s")
        time.sleep(0.1)
