"""What tests run in processes of their own: ``python -m django_project.child heartbeat 20`` or ``… race 16 real log``.

Where the database is, and where such a process is struck, the environment tells.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from django_project.setup import app_settings_of, close_connections, set_up_django

set_up_django()

from django.db import OperationalError  # noqa: E402  # all of these need Django
from django.utils import timezone  # noqa: E402

import django_project.memory_flows  # noqa: E402, F401  # registers its connectors
from active_data_flow.runtimes.heartbeat import signals  # noqa: E402
from active_data_flow.runtimes.heartbeat.execution import use_executor  # noqa: E402
from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlow  # noqa: E402
from active_data_flow.runtimes.job.executor import QueueExecutor  # noqa: E402

LEASE = "1s"


def send_heartbeat(seconds: str) -> None:
    """One heartbeat; prints what came of it."""
    with app_settings_of(LEASE=LEASE):
        print(json.dumps(heartbeat(float(seconds)).to_json()), flush=True)
    close_connections()


def enqueue_and_die(count: str) -> None:
    """A heartbeat that only enqueues, and is killed when so many runs have got to the queue."""
    enqueued: list[Any] = []

    def listen(run: Any, **_: Any) -> None:
        enqueued.append(run)
        if len(enqueued) == int(count):
            os.kill(os.getpid(), signal.SIGKILL)

    signals.flow_enqueued.connect(listen)
    use_executor(QueueExecutor)
    heartbeat()


def race(processes: str, how: str, log: str) -> None:
    """So many processes that begin at once, each until nothing is due; each run that is begun is a line in the log."""
    forked = multiprocessing.get_context("fork")
    barrier = forked.Barrier(int(processes))
    racers = [
        forked.Process(target=_racer, args=(barrier, log, real if how == "real" else naive))
        for _ in range(int(processes))
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    sys.exit(max(racer.exitcode or 0 for racer in racers))


def _racer(barrier: Any, log: str, run: Any) -> None:
    file = os.open(log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    barrier.wait()
    run(lambda name: os.write(file, f"{name}\n".encode()))
    close_connections()


def real(tell: Any) -> None:
    """Heartbeats until nothing is left."""

    def begun(run: Any, **_: Any) -> None:
        tell(run.flow.name)

    signals.flow_started.connect(begun)
    while True:
        result = heartbeat(3600)  # so that no run is put off to the next, which would begin with it again
        if not result.flows_triggered and not result.flows_remaining:
            return


def naive(tell: Any) -> None:
    """What a plain read-then-save does: the control that shows that the race is one."""
    while True:
        try:
            flow = DataFlow.objects.due_to_run().order_by("next_run_at").first()
            if flow is None:
                return
            DataFlow.objects.filter(pk=flow.pk).update(next_run_at=timezone.now() + timedelta(hours=1))
        except OperationalError:  # SQLite's lock, which is not what is shown here
            continue
        tell(flow.name)


if __name__ == "__main__":
    {"heartbeat": send_heartbeat, "enqueue_and_die": enqueue_and_die, "race": race}[sys.argv[1]](*sys.argv[2:])
