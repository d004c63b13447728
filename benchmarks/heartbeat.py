"""What the heartbeat costs beside the flows' own work, and lists of a million runs, on PostgreSQL.

python -m benchmarks.heartbeat [--runs 1000000] [--repeat 30]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

from benchmarks.harness import ROOT
from benchmarks.server import postgres

FLOWS = 1000
DUE = 10


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heartbeat", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="records of runs (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=30, help="times that each is measured (default: %(default)s)")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT / "tests"))
    with postgres() as server:
        server.run_sql("CREATE DATABASE heartbeat")
        _set_up(server.url("heartbeat"))
        for name, goal, seconds in chain(_claims(options.repeat), _heartbeats(options.repeat), _lists(options)):
            _print(name, goal, seconds)
        _tear_down()
    return 0


def _print(name: str, goal: float, seconds: list[float]) -> None:
    median, high = statistics.median(seconds) * 1000, sorted(seconds)[int(len(seconds) * 0.95)] * 1000
    met = "met" if median <= goal else "MISSED"
    print(f"{name:<66} {median:8.2f} ms   95 %: {high:8.2f} ms   goal: {goal:.0f} ms, {met}", flush=True)


def _set_up(url: str) -> None:
    from django_project.setup import migrate, set_up_django, use_databases

    set_up_django()
    use_databases(default=url)
    migrate()
    _make_flows()


def _tear_down() -> None:
    from django_project.setup import close_connections

    close_connections()


def _claims(repeat: int) -> Iterator[tuple[str, float, list[float]]]:
    from active_data_flow.runtimes.heartbeat.claiming import Claims

    _make_due(repeat)

    def claim_and_begin() -> None:
        run = Claims(None).next()
        assert run is not None
        assert run.status == "in_progress"

    yield "claim and start of a due flow", 15, _timed(claim_and_begin, repeat)


def _heartbeats(repeat: int) -> Iterator[tuple[str, float, list[float]]]:
    from active_data_flow.runtimes.heartbeat.execution import HereExecutor, use_executor
    from active_data_flow.runtimes.heartbeat.heartbeat import heartbeat
    from active_data_flow.runtimes.heartbeat.models import DataFlowRun
    from active_data_flow.runtimes.job.executor import QueueExecutor

    worked: list[float] = []

    class Here(HereExecutor):
        def execute(self, run: Any, budget: Any) -> None:
            start = time.perf_counter()
            super().execute(run, budget)
            worked.append(time.perf_counter() - start)

    def in_runs() -> float:
        return sum(run.result.get("seconds", 0.0) for run in DataFlowRun.objects.order_by("-pk")[:DUE])

    def beyond(executor: Any, *works: Callable[[], float]) -> list[list[float]]:
        use_executor(executor)
        left: list[list[float]] = [[] for _ in works]
        for _ in range(repeat):
            _make_due(DUE)
            worked.clear()
            start = time.perf_counter()
            result = heartbeat(600)
            took = time.perf_counter() - start
            assert result.flows_triggered == DUE
            for seconds, work in zip(left, works, strict=True):
                seconds.append(took - work())
        use_executor(HereExecutor)
        return left

    name = f"heartbeat: {FLOWS} flows, {DUE} due"
    yield f"{name}, handed to a queue", 100, beyond(_Nowhere, float)[0]
    yield f"{name}, enqueued with django-tasks-db", 100, beyond(QueueExecutor, float)[0]
    beyond_work, beyond_runs = beyond(Here, lambda: sum(worked), in_runs)
    yield f"{name}, beyond working on them", 100, beyond_work
    yield f"{name}, beyond their runs (load, record, ...)", 100, beyond_runs
    yield f"heartbeat: {FLOWS} flows, none due", 100, _timed(heartbeat, repeat)


class _Nowhere:
    """A queue that takes no time: what is left is the heartbeat's own."""

    handover = 300.0

    def __init__(self, _: Any) -> None:
        pass

    def execute(self, run: Any, budget: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _make_flows() -> None:
    from active_data_flow.runtimes.heartbeat.models import DataFlow
    from django_project.memory_flows import document, numbers

    DataFlow.objects.all().delete()  # those of the test project's apps
    DataFlow.objects.bulk_create(
        DataFlow(name=f"flow{n}", configuration=document(f"flow{n}", numbers(2)), interval=3600) for n in range(FLOWS)
    )


def _make_due(due: int) -> None:
    """So many of the flows are due, the others an hour later."""
    from django.utils import timezone

    from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun

    now = timezone.now()
    DataFlowRun.objects.all().delete()
    DataFlow.objects.update(next_run_at=now + timedelta(hours=1), busy=False)
    first = DataFlow.objects.order_by("pk").values_list("pk", flat=True)[due]
    DataFlow.objects.filter(pk__lt=first).update(next_run_at=now - timedelta(hours=1))


def _lists(options: argparse.Namespace) -> Iterator[tuple[str, float, list[float]]]:
    from active_data_flow.runtimes.heartbeat.models import DataFlow, DataFlowRun

    _make_due(0)
    _make_runs(options.runs)
    flow = DataFlow.objects.order_by("pk")[7]
    rare = DataFlow.objects.order_by("pk")[FLOWS - 1]
    runs = DataFlowRun.objects.select_related("flow").order_by("-pk")
    middle = DataFlowRun.objects.order_by("-pk").values_list("pk", flat=True)[options.runs // 2]
    moment = DataFlowRun.objects.get(pk=middle).created_at
    pages: dict[str, Callable[[], Any]] = {
        "newest": lambda: list(runs[:50]),
        "from the middle": lambda: list(runs.filter(pk__lt=middle)[:50]),
        "failed": lambda: list(runs.filter(status="failed")[:50]),
        "of a flow": lambda: list(runs.filter(flow=flow)[:50]),
        "failed of a flow": lambda: list(runs.filter(flow=flow, status="failed")[:50]),
        "of a flow without runs": lambda: list(runs.filter(flow=rare, status="failed")[:50]),
        "by hand": lambda: list(runs.filter(trigger="manual")[:50]),
        "by kind of error": lambda: list(runs.filter(error_type="SourceError")[:50]),
        "since a moment": lambda: list(runs.filter(created_at__gte=moment, pk__gte=middle)[:50]),
        "in progress": lambda: list(runs.filter(status="in_progress")[:50]),
        "one by its id": lambda: DataFlowRun.objects.get(run_id=f"run{options.runs // 2}"),
        "counted up to 10,000": lambda: DataFlowRun.objects.filter(status="success").count_up_to(10_000),
    }
    for name, page in pages.items():
        yield f"{options.runs:,} runs: {name}", 100, _timed(page, options.repeat)


def _make_runs(count: int) -> None:
    """Runs of the first 900 flows, one in fifty of them failed."""
    from django.db import connection

    from active_data_flow.runtimes.heartbeat.models import DataFlow

    first = DataFlow.objects.order_by("pk").values_list("pk", flat=True)[0]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO active_data_flow_dataflowrun (flow_id, run_id, status, reason, trigger, created_at, started_at,
                ended_at, attempt, max_attempts, fence, lease_owner, stop_requested, records_read, records_written,
                records_rejected, bytes_read, result, error_type, error, traceback, queue, priority, task_id)
            SELECT %s + n %% 900, 'run' || n, CASE WHEN n %% 50 = 0 THEN 'failed' ELSE 'success' END,
                CASE WHEN n %% 50 = 0 THEN 'error' ELSE '' END,
                CASE WHEN n %% 1000 = 0 THEN 'manual' ELSE 'schedule' END,
                now() - make_interval(secs => %s - n), now() - make_interval(secs => %s - n),
                now() - make_interval(secs => %s - n), 1, 3, n, 'worker', '', 100, 99, 1, 10000,
                '{"status": "success", "records_read": 100, "records_written": 99, "seconds": 0.2}',
                CASE WHEN n %% 50 = 0 THEN 'SourceError' ELSE '' END,
                CASE WHEN n %% 50 = 0 THEN 'the file is gone' ELSE '' END,
                CASE WHEN n %% 50 = 0 THEN repeat('a line of a traceback\n', 40) ELSE '' END, 'default', 0, ''
            FROM generate_series(1, %s) AS n
            """,
            [first, count, count, count, count],
        )
        cursor.execute("VACUUM ANALYZE active_data_flow_dataflowrun")


def _timed(function: Callable[[], Any], repeat: int) -> list[float]:
    seconds: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
